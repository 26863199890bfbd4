// A manager moves a tenant out and the next one in: tried, confirmed, paid back; and the tenant keeps the past bills.
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn, site } from "./visit.mjs";

const browser = await browse();
const base = `${origin}/site/${site}`;
const said = (page) => page.textContent("#said");
const press = async (page, id) => {
  await page.click(`form.ask:has(#${id}) button`);
  await page.waitForSelector("#said");
};

for (const [size, scheme, language] of [["phone", "light", "en-GB"], ["desk", "light", "en-GB"], ["desk", "dark", "zh-CN"], ["phone", "light", "zh-CN"]]) {
  const page = await open(browser, { size, scheme, language });
  await signIn(page, "mia");
  const name = `leases ${size} ${scheme} ${language}`;
  same((await page.goto(`${base}/leases`)).status(), 200, name);
  await accessible(page, name);
  await fits(page, name);
  await shot(page, name.replaceAll(" ", "-"));
  // Tried: the bill and the meters at the hand-over, at this width and in this language.
  await page.selectOption("#move-out-lease", { label: "Flat 103 · A-103" });
  await page.fill("#move-out-day", "2026-04-09");
  await page.fill("#move-out-time", "13:37");
  await page.fill("#move-out-reason", "notice given");
  await press(page, "move-out-reason");
  check(await page.isVisible("section:has(#final) .big"), `${name}: the final bill is shown: ${await said(page)}`);
  check(await page.isVisible("section:has(#reading) table"), `${name}: the meters are shown`);
  await accessible(page, `${name}, tried`);
  await fits(page, `${name}, tried`);
  await shot(page, `${name}-tried`.replaceAll(" ", "-"));
  if (language === "zh-CN") {
    const text = await page.textContent("section:has(#final)");
    check(text.includes("最终账单") && !/[a-z]+-[a-z]+-[a-z]+/.test(text), `${name}: in Chinese: ${text}`);
  }
  await page.context().close();
}

const page = await open(browser, { size: "phone" });
await signIn(page, "mia");
await page.goto(`${base}/leases`);
await page.selectOption("#move-out-lease", { label: "Flat 101 · A-101" });
await page.fill("#move-out-day", "2026-04-09");
await page.fill("#move-out-time", "13:37");
await page.fill("#move-out-reason", "notice given");
await press(page, "move-out-reason");
const left = await page.textContent("section:has(#final) .big");
const register = await page.textContent("section:has(#reading) td.num");
check((await page.textContent("section:has(#final)")).includes("Provisional"), "it is said to be provisional");
await page.click("button:has-text('Confirm the move-out')");
await page.waitForSelector("#next");
check((await said(page)).includes("It is recorded"), `confirmed: ${await said(page)}`);
same(await page.textContent("section:has(#final) .big"), left, "what is left is what was tried");
await accessible(page, "moved out");
await fits(page, "moved out");
await shot(page, "moved-out-phone-light");

// What is left is paid back: the desk is filled in.
await page.click("section:has(#next) button:has-text('Pay back')");
await page.waitForURL(/\/cash\?/);
same(await page.inputValue("#refund-account"), "A-101", "whose balance");
const amount = await page.inputValue("#refund-amount");
check(left.includes(amount), `${amount} of ${left}`);
check((await page.inputValue("#refund-reason")).includes("Flat 101"), "why");
await press(page, "refund-reason");
check((await said(page)).includes("The new balance is £0.00"), `paid back: ${await said(page)}`);

// The next tenant comes at the same instant, with the same figure; the form is filled in.
await page.goto(`${base}/leases`);
check((await page.textContent("section:has(#lately)")).includes("A-101"), "who left is listed");
await page.click("section:has(#lately) button");
await page.waitForSelector("#next");
await page.click("section:has(#next) button:has-text('Next tenant')");
await page.waitForURL(/unit=/);
same(await page.inputValue("#move-in-unit"), "Flat 101", "the unit");
same(await page.inputValue("#move-in-time"), "13:37", "the instant");
await page.fill("#move-in-new_account", "A-104");
await page.fill("#move-in-holder", "Lee Chan");
await page.fill("#move-in-reason", "let again");
await press(page, "move-in-reason");
same(await page.textContent("section:has(#reading) td.num"), register, "the opening figure is the closing one");
await accessible(page, "a move-in, tried");
await shot(page, "move-in-tried-phone-light");
await page.click("button:has-text('Confirm the move-in')");
await page.waitForSelector("#said");
check((await said(page)).includes("It is recorded"), `moved in: ${await said(page)}`);
await page.click("text=Back to the leases");
check((await page.textContent("section:has(#leases)")).includes("A-104"), "the new lease runs");

// From the move to the sign-in of who left.
await page.goto(`${base}/leases`);
await page.click("section:has(#lately) button");
await page.click("section:has(#next) button:has-text('Sign-in')");
await page.waitForURL(/find=A-101/);
check((await page.textContent("section:has(#list) .rows")).includes("ada"), "whose sign-in it is");

// Who left still reads what is past.
const tenant = await open(browser, { size: "phone" });
await signIn(tenant, "ada");
const account = `${base}/account/A-101`;
for (const path of ["", "/bills", "/bills/2026-03", "/usage", "/payments"]) {
  same((await tenant.goto(account + path)).status(), 200, `ada at ${path}`);
  await accessible(tenant, `ada at ${path} after the move`);
  await fits(tenant, `ada at ${path} after the move`);
}
await tenant.goto(account);
await shot(tenant, "moved-out-home-phone-light");

await browser.close();
finish();

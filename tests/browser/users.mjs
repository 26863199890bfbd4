// A manager looks after users: adds a tenant, hands over a link, and the tenant comes in by it.
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn, site } from "./visit.mjs";

const browser = await browse();
const base = `${origin}/site/${site}/users`;
const said = (page) => page.textContent("#said");
const press = async (page, id) => {
  const button = `form.ask:has(#${id}) button`;
  await page.click(button);
  await page.waitForSelector("#said");
};
const pressText = async (page, text) => {
  await page.click(`button:has-text("${text}")`);
  await page.waitForSelector("#said");
};

// Both pages look right at both widths, in both schemes and languages.
for (const [size, scheme, language] of [["phone", "light", "en-GB"], ["desk", "light", "en-GB"], ["desk", "dark", "en-GB"], ["phone", "light", "zh-CN"]]) {
  const page = await open(browser, { size, scheme, language });
  await signIn(page, "mia");
  for (const path of ["", "/ada", "/mia", "/tom"]) {
    const name = `users${path.replaceAll("/", "-")} ${size} ${scheme} ${language}`;
    same((await page.goto(base + path)).status(), 200, name);
    await accessible(page, name);
    await fits(page, name);
    await shot(page, name.replaceAll(" ", "-"));
    if (language === "zh-CN") check(/[\u4e00-\u9fff]/.test(await page.textContent("main")), `${name} is Chinese`);
  }
  await page.context().close();
}

// Added, linked, and in.
const page = await open(browser, { size: "phone" });
await signIn(page, "mia");
check((await page.textContent("nav.places")).includes("People"), "the place is in the navigation");
await page.goto(base);
await page.fill("#add-name", "lee");
await page.selectOption("#add-account", "A-102");
await press(page, "add-name");
await accessible(page, "a user is added");
check((await said(page)).includes("lee is added"), `added: ${await said(page)}`);
await page.fill("#find-find", "a-102");
await page.click("form.ask:has(#find-find) button");
await page.waitForURL(/find=/);
check((await page.textContent("section:has(#list) .rows")).includes("lee"), "found by account");
check(!(await page.textContent("section:has(#list) .rows")).includes("ada"), "and no other");
await page.click("a:has-text('lee')");
await page.selectOption("#sign-in-link-hours", "72");
await press(page, "sign-in-link-hours");
check((await said(page)).includes("is not shown again"), `link: ${await said(page)}`);
await accessible(page, "a link that is shown once");
await fits(page, "a link that is shown once");
await shot(page, "users-link-phone-light");
const link = await page.textContent("section:has(#once) .working");
check(link.trim().startsWith(`${origin}/link/twl_`), `an address that a tenant can open: ${link.length} characters`);

const tenant = await open(browser, { size: "phone" });
await tenant.goto(link.trim());
await tenant.click("main button");
await tenant.waitForURL(/\/site\//);
check((await tenant.textContent("main")).includes("Flat 102"), "the tenant sees the account");
same((await tenant.context().request.get(base)).status(), 404, "and no users");

// Shut out: the session is over at once.
await page.goto(`${base}/lee`);
check((await page.textContent("section:has(#access)")).includes("link only"), "how the user signs in");
await pressText(page, "Shut out");
check((await said(page)).includes("shut out"), `shut out: ${await said(page)}`);
await tenant.goto(`${origin}/`);
check(tenant.url().includes("/sign-in"), "the tenant's session is ended");
check((await page.textContent("section:has(#trail)")).includes("mia"), "the trail says who");
await pressText(page, "Let in again");

// A token of one's own: shown once, listed without its secret, revoked.
await page.goto(`${base}/mia`);
await page.click("summary:has-text('Make a token')");
await page.fill("#token-name", "nightly");
await page.selectOption("#token-role", "finance");
await press(page, "token-name");
const token = (await page.textContent("section:has(#once) .working")).trim();
check(token.startsWith("twt_"), "a token is shown");
await page.goto(`${base}/mia`);
check(!(await page.content()).includes(token), "and never again");
check((await page.textContent("section:has(#tokens)")).includes("Finance · reads only"), "it is listed with what it may do");
// Asked without the browser's session.
const ask = async () => (await fetch(`${origin}/api/v1/sites/${site}`, { headers: { authorization: `Bearer ${token}` } })).status;
same(await ask(), 200, "it works");
await pressText(page, "Revoke");
check((await said(page)).includes("revoked for ever"), `revoked: ${await said(page)}`);
same(await ask(), 401, "and no longer once it is revoked");
await shot(page, "users-own-phone-light");

// All of it works without script.
{
  const plain = await open(browser, { size: "phone", script: false });
  await signIn(plain, "mia");
  await plain.goto(`${base}/ada`);
  await plain.click("summary:has-text('Link another account')");
  await plain.selectOption("#link-account-account", "A-103");
  await press(plain, "link-account-account");
  check((await said(plain)).includes("is linked"), `linked: ${await said(plain)}`);
  await plain.click("li:has-text('A-103') button");
  await plain.waitForSelector("#said");
  check((await said(plain)).includes("unlinked"), `unlinked: ${await said(plain)}`);
}

await browser.close();
finish();

// A journey for each role that sees a whole site: manager, auditor, finance.
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn, site } from "./visit.mjs";

const browser = await browse();
const base = `${origin}/site/${site}`;
const said = (page) => page.textContent("#said");

// Every page of a role looks right at both widths.
async function look(user, pages) {
  for (const [size, scheme] of [["phone", "light"], ["desk", "light"], ["desk", "dark"]]) {
    const page = await open(browser, { size, scheme });
    await signIn(page, user);
    for (const path of pages) {
      const name = `${user}${path.replaceAll("/", "-") || "-rooms"} ${size} ${scheme}`;
      const answer = await page.goto(base + path);
      same(answer.status(), 200, name);
      await accessible(page, name);
      await fits(page, name);
      await shot(page, name.replaceAll(" ", "-"));
    }
    await page.context().close();
  }
}

// What a form of a page would send, so that it can be sent again.
const fields = (page, id) => page.$eval(`form.ask:has(#${id})`, (form) => Object.fromEntries(new FormData(form)));
const submit = async (page, id) => {
  await page.click(`form.ask:has(#${id}) button`);
  await page.waitForSelector("#said, .working");
};
const money = async (page, unit) => {
  await page.goto(base);
  return Number((await page.textContent(`a.room:has-text("${unit}") .big`)).replace(/[^\d.−-]/g, "").replace("−", "-"));
};

// A manager.
{
  await look("mia", ["", "/alarms", "/supply", "/supply/several", "/cash", "/rules"]);
  const page = await open(browser);
  await signIn(page, "mia");
  check(await page.isVisible("svg.flow rect"), "the energy flow is drawn");

  // Cash in: the new balance is said, the form counts once, and what is no amount is refused.
  const before = await money(page, "Flat 102");
  await page.goto(`${base}/cash`);
  await page.selectOption("#recharge-account", "A-102");
  await page.fill("#recharge-amount", "20.00");
  await page.fill("#recharge-reference", "desk-1");
  const form = await fields(page, "recharge-amount");
  await submit(page, "recharge-amount");
  check((await said(page)).includes("£20.00"), `cash: ${await said(page)}`);
  await shot(page, "cash-done-desk-light", false);
  const again = await page.context().request.post(`${base}/cash`, { form });
  check((await again.text()).includes("The form came twice"), "the same form counts once");
  // Live figures may come later than the payment.
  const until = Date.now() + 120_000;
  while ((await money(page, "Flat 102")) === before && Date.now() < until) await page.waitForTimeout(500);
  same((await money(page, "Flat 102")).toFixed(2), (before + 20).toFixed(2), "the balance after a form that came twice");
  await page.goto(`${base}/cash`);
  await page.fill("#recharge-amount", "-3");
  await submit(page, "recharge-amount");
  check(await page.isVisible("#said[role=alert]"), "a negative payment is refused");
  await accessible(page, "a refusal");
  const forged = await page.context().request.post(`${base}/cash`, { form: { ...form, csrf: "no" } });
  same(forged.status(), 403, "a form without the session's mark");

  // A tariff is tried, and only then published.
  await page.goto(`${base}/rules`);
  await page.click("text=Start from the rule of");
  check((await page.inputValue("#editor-text")).startsWith("[[rule]]"), "the next version of a rule begins as the newest one");
  same(await page.inputValue("#editor-what"), "rule", "what is written");
  await page.click("text=Start from tariff home");
  check((await page.inputValue("#editor-text")).includes('id = "home"\nversion = 2'), "the next version of a tariff, too");
  await page.fill("#editor-reason", "prices of next month");
  await submit(page, "editor-text");
  check((await said(page)).includes("nothing is changed yet"), `tried: ${await said(page)}`);
  check(await page.isVisible("#effect"), "what it would change is shown");
  await accessible(page, "a tried change");
  await shot(page, "rules-tried-desk-light");
  const tried = await page.$eval("section:has(#effect) form", (one) => Object.fromEntries(new FormData(one)));
  const other = await page.context().request.post(`${base}/rules`, { form: { ...tried, text: `${tried.text}\n# more` } });
  check((await other.text()).includes("was not tried"), "what was not tried is not published");
  await page.click("section:has(#effect) form button");
  await page.waitForSelector("#said");
  check((await said(page)).includes("It is published"), `published: ${await said(page)}`);

  // A complaint holds cuts, and is seen.
  await page.goto(`${base}/supply`);
  await page.click("li:has-text('Flat 102') summary:has-text('Record a complaint')");
  await page.fill("#dispute-P-102-reason", "the meter is doubted");
  await submit(page, "dispute-P-102-reason");
  check((await said(page)).includes("written down"), `complaint: ${await said(page)}`);
  check(await page.isVisible("li:has-text('Flat 102') summary:has-text('Settle')"), "an open complaint can be settled");
  await shot(page, "supply-dispute-desk-light");

  // A booked reading is left out, with a reason, and stands among the held ones.
  await page.goto(`${base}/alarms`);
  await page.click("text=Leave a booked reading out");
  await page.fill("#withdraw-meter", "M-102");
  await page.fill("#withdraw-time", "2026-04-09T10:00:00Z");
  await page.fill("#withdraw-reason", "misread");
  await submit(page, "withdraw-meter");
  check((await said(page)).includes("left out"), `withdrawn: ${await said(page)}`);
  await page.context().close();
}

// An auditor: weights and remainders, the replay, a line, the history; and nothing to write.
{
  await look("tom", ["/audit", "/audit/changes", "/alarms", "/supply"]);
  const page = await open(browser);
  await signIn(page, "tom");
  const places = await page.textContent("nav.places");
  check(places.includes("Audit") && !places.includes("Cash") && !places.includes("Rules"), `an auditor's places: ${places}`);
  await page.goto(`${base}/audit`);
  check((await page.textContent("main")).includes("add up to the day's energy and cost"), "the day adds up");
  check((await page.textContent("main")).includes("Flat 103"), "everyone's share is shown");
  await page.click("text=Replay the log");
  await page.waitForSelector("section:has(#replayed) .facts");
  check((await page.textContent("section:has(#replayed)")).includes("Every decision follows"), "the replay is said");
  await accessible(page, "a replay");
  await page.selectOption("#explain-account", "A-101");
  await page.click("form.ask:has(#explain-line) button");
  await page.waitForSelector(".working");
  check((await page.textContent(".working")).includes("M-101"), "a line goes down to its meter");
  await accessible(page, "a line's working");
  await shot(page, "explain-desk-light");
  await page.goto(`${base}/audit/changes`);
  const history = await page.textContent("main");
  check(history.includes("mia") && history.includes("prices of next month"), "the history has author and reason");
  for (const path of ["/cash", "/rules"]) same((await page.context().request.get(base + path)).status(), 403, `an auditor at ${path}`);
  const csrf = await page.goto(base).then(() => page.getAttribute(".tools input[name=csrf]", "value"));
  for (const [path, act] of [["/cash", "recharge"], ["/rules", "try"], ["/supply", "cut"], ["/alarms", "acknowledge"], ["/books", "match"]]) {
    const answer = await page.context().request.post(base + path, { form: { csrf, act, key: "k", account: "A-102", amount: "1" } });
    same(answer.status(), 403, `an auditor writes to ${path}`);
  }
  await page.context().close();
}

// Finance: the close check, what is owed, and the books taken out.
{
  await look("fay", ["/books", ""]);
  const page = await open(browser);
  await signIn(page, "fay");
  await page.goto(`${base}/books`);
  check((await page.textContent("section:has(#liability) .big")).includes("£"), "what is owed is said");
  check((await page.textContent("section:has(#closing)")).includes("closing this month"), "the close check is said");
  for (const [format, kind] of [["xlsx", "spreadsheetml"], ["charges", "text/csv"], ["hledger", "text/plain"]]) {
    const answer = await page.context().request.get(`${base}/books/export?format=${format}&table=charges&month=2026-03`);
    same(answer.status(), 200, `export ${format}`);
    check(answer.headers()["content-type"].includes(kind), `export ${format}: ${answer.headers()["content-type"]}`);
    check(answer.headers()["content-disposition"].startsWith("attachment; filename="), `export ${format} is an attachment`);
    check((await answer.body()).length > 1000, `export ${format} has its rows`);
  }
  for (const path of ["/audit", "/cash", "/rules"]) same((await page.context().request.get(base + path)).status(), 403, `finance at ${path}`);
  await page.context().close();
}

// A tenant finds none of it; and all of it is said in Chinese.
{
  const page = await open(browser, { language: "zh-CN" });
  await signIn(page, "ada");
  for (const path of ["/alarms", "/supply", "/cash", "/rules", "/audit", "/audit/changes", "/books", "/books/export?format=charges&month=2026-03"]) {
    const answer = await page.context().request.get(base + path);
    same(answer.status(), 404, `a tenant at ${path}`);
  }
  await page.context().clearCookies();
  await signIn(page, "mia");
  for (const path of ["/alarms", "/supply", "/cash", "/rules", "/audit", "/books"]) {
    await page.goto(base + path);
    const text = await page.textContent("main");
    check(!/[a-z]+-[a-z]+-[a-z]+/.test(await page.textContent("h1")) && /[\u4e00-\u9fff]/.test(text), `${path} in Chinese`);
    await accessible(page, `${path} in Chinese`);
  }
  await shot(page, "books-desk-zh");
  await page.context().close();
}

await browser.close();
finish();

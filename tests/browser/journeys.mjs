// What a manager, an auditor and finance do with a building whose relays move: once on a phone, once without script.
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn, site } from "./visit.mjs";

const base = `${origin}/site/${site}`;
const [sim, part] = process.argv.slice(5);
const browser = await browse();
const patience = 120_000;

const said = (page) => page.textContent("#said");
const act = (name) => `form.ask:has(input[name=act][value=${name}])`;
const item = (page, card, text) => page.locator(`section:has(#${card}) li.item`, { hasText: text }).first();
const fields = (form) => form.evaluate((one) => Object.fromEntries(new FormData(one)));

// Sends a form and waits for the page that answers.
async function send(page, form) {
  await Promise.all([page.waitForNavigation(), form.locator("button.button").click()]);
  return said(page);
}

// Opens what a form is folded behind, where it is.
async function unfold(form) {
  const details = form.locator("xpath=..");
  if (await details.evaluate((one) => one.tagName === "DETAILS" && !one.open)) await details.locator("summary").click();
}

// Sends a form a second time, as an impatient hand does.
async function twice(page, path, form, what) {
  const answer = await page.context().request.post(base + path, { form });
  check((await answer.text()).includes("The form came twice: it was done once."), `${what} came twice`);
}

// Loads a page again until it says so.
async function until(page, path, has, what) {
  const end = Date.now() + patience;
  for (;;) {
    await page.goto(base + path);
    if (await has()) return;
    if (Date.now() > end) { check(false, `${what}: ${await page.textContent("main")}`); return; }
  }
}

async function looked(page, run, name) {
  if (run.script) await accessible(page, `${name} ${run.size}`);
  await fits(page, `${name} ${run.size}`);
  await shot(page, `journey-${name}-${run.size}`);
}

async function alarms(page, run) {
  await page.goto(`${base}/alarms`);
  const one = page.locator("section:has(#open) li.item").filter({ has: page.locator("form") }).first();
  const name = await one.locator("strong").textContent();
  await one.locator("input[name=note]").fill(`the fitter is called, ${run.number}`);
  const form = await fields(one.locator("form"));
  check((await send(page, one.locator("form"))).includes("you see to it"), `acknowledged: ${await said(page)}`);
  const seen = item(page, "open", name);
  check((await seen.textContent()).includes("mia sees to it since"), `${name} is seen to`);
  same(await seen.locator("form").count(), 0, "nobody else has to");
  await twice(page, "/alarms", form, "an acknowledgement");
}

async function quarantine(page, run) {
  await page.goto(`${base}/alarms`);
  const held = item(page, "held", "faster than the meter can");
  const name = (await held.locator("strong").textContent()).split(" · ")[0];
  const release = held.locator(act("release"));
  await unfold(release);
  await release.locator("input[name=reason]").fill(`read on site, ${run.number}`);
  const form = await fields(release);
  check((await send(page, release)).includes("The reading is booked"), `released: ${await said(page)}`);
  const row = page.locator("section:has(#judged) tr", { hasText: `read on site, ${run.number}` });
  const decided = await row.textContent();
  check(decided.includes(name) && decided.includes("booked") && decided.includes("mia"), `the decision is listed: ${decided}`);
  await twice(page, "/alarms", form, "a release");

  // A time that no reading has is refused, and what was written is still there.
  const withdraw = page.locator(act("withdraw"));
  await unfold(withdraw);
  await withdraw.locator("input[name=meter]").fill("M-101");
  await withdraw.locator("input[name=time]").fill("2026-04-09 11:01:30");
  await withdraw.locator("input[name=reason]").fill(`misread, ${run.number}`);
  await send(page, withdraw);
  check(await page.isVisible("#said[role=alert]"), "no such reading");
  check(await withdraw.isVisible(), "the refused form is open");
  same(await withdraw.locator("input[name=reason]").inputValue(), `misread, ${run.number}`, "the reason is kept");
  // As the page shows it, by the site's clock.
  await withdraw.locator("input[name=time]").fill(`2026-04-09 11:0${run.number}`);
  check((await send(page, withdraw)).includes("left out"), `withdrawn: ${await said(page)}`);
  const out = await page.locator("section:has(#judged) tr", { hasText: `misread, ${run.number}` }).textContent();
  check(out.includes(`M-101 · 2026-04-09 11:0${run.number}`) && out.includes("left out"), `the decision is listed: ${out}`);
  await looked(page, run, "alarms");
}

const relay = async (unit) => (await (await fetch(`http://${sim}/truth/g/${unit}`)).json()).relay_reported_on;
const story = (page, point) =>
  page.$$eval("section:has(#recent) tbody tr", (rows, point) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))
    .filter((cells) => cells[1] === point).map((cells) => cells[2]), point);

// Cut by hand: held for a complaint and for a second person, ordered, sent, read back; and back again.
async function supply(page, second, run) {
  const { point, room, unit } = run;
  const form = (name) => page.locator(`li.item:has-text("${room}") ${act(name)}`);
  const ask = async (name, reason) => {
    await unfold(form(name));
    await form(name).locator("input[name=reason]").fill(reason);
    return send(page, form(name));
  };
  await page.goto(`${base}/supply`);
  check(await relay(unit), "the relay is on");
  check((await ask("dispute", `the bill is doubted, ${run.number}`)).includes("written down"), `complaint: ${await said(page)}`);
  check((await ask("cut", `works on the riser, ${run.number}`)).includes("written down"), `cut: ${await said(page)}`);
  let text = await item(page, "queue", room).textContent();
  check(text.includes("mia asked for a cut") && text.includes("Holds · Persons"), `waits for a second person: ${text}`);
  same(await form("approve").count(), 0, "nobody approves what is their own");
  await looked(page, run, "supply-waits");

  await second.goto(`${base}/supply`);
  const approve = second.locator(`li.item:has-text("${room}") ${act("approve")}`);
  const approval = await fields(approve);
  check((await send(second, approve)).includes("written down"), `approved: ${await said(second)}`);
  await twice(second, "/supply", approval, "an approval");

  const holds = async () => {
    text = await item(page, "queue", room).textContent();
    return text.includes("Holds · Complaints: one is open, and holds cuts") && !text.includes("Holds · Persons");
  };
  await until(page, "/supply", holds, "held for the complaint");
  check(await relay(unit), "a held cut moves nothing");
  await item(page, "queue", room).locator("summary", { hasText: "Every check" }).click();
  check((await item(page, "queue", room).textContent()).includes("approved by max"), "every check is shown with its figures");
  await looked(page, run, "supply-held");
  check((await ask("settle", `read together with the tenant, ${run.number}`)).includes("written down"), `settled: ${await said(page)}`);

  const happened = (wanted) => async () => (await story(page, point)).some((line) => line.includes(wanted));
  await until(page, "/supply", happened("confirmed: supply is off"), "the cut is confirmed");
  let lines = await story(page, point);
  const steps = ["Cut asked for by mia", "Approved by max", "switch off, asked for by a person", "was sent to the meter", "confirmed: supply is off; read back as off"];
  // The newest stands first.
  const places = steps.map((step) => lines.findLastIndex((line) => line.includes(step)));
  check(places.every((at, index) => at >= 0 && (index === 0 || at < places[index - 1])), `ordered, sent, read back: ${lines}`);
  check(!(await relay(unit)), "the relay has moved");
  check((await page.locator(`li.item:has-text("${room}") .chip`).first().textContent()) === "Off", "supply is said to be off");
  await looked(page, run, "supply-off");

  check((await ask("restore", `the riser is done, ${run.number}`)).includes("written down"), `restore: ${await said(page)}`);
  await until(page, "/supply", happened("confirmed: supply is on"), "the restore is confirmed");
  lines = await story(page, point);
  check(lines.find((line) => line.includes("confirmed: supply is on")).includes("read back as on"), `read back as on: ${lines}`);
  check(await relay(unit), "the relay is on again");
  // What is so already is refused in words.
  const off = await page.context().request.post(`${base}/supply`, { form: { csrf: await page.getAttribute(".tools input[name=csrf]", "value"),
    key: `again-${run.number}`, act: "restore", point, reason: "again" } });
  check((await off.text()).includes("Supply is on already, and nothing is under way."), "a second restore is refused");
}

// The same for two points: tried, then asked of exactly those, and once.
async function several(page, run) {
  for (const step of ["protect", "unprotect"]) {
    await page.goto(`${base}/supply`);
    await page.click("a[href$='/supply/several']");
    await page.selectOption("#several-do", step);
    await page.fill("#several-points", "P-101 P-102");
    await page.fill("#several-reason", `a clinic on this floor, ${run.number}`);
    const tried = await send(page, page.locator(act("try")));
    check(tried.includes("2 of 2 points") && tried.includes("Nothing is asked yet"), `${step} is tried: ${tried}`);
    same(await page.locator("section:has(#result) tbody tr").count(), 2, "what would become of each");
    await looked(page, run, `several-${step}`);
    const form = await fields(page.locator(act("ask")));
    check((await send(page, page.locator(act("ask")))).includes("Asked of 2 of 2 points"), `${step} is asked: ${await said(page)}`);
    const again = await page.context().request.post(`${base}/supply/several`, { form });
    check((await again.text()).includes("The form came twice"), `${step} of several came twice`);
    await page.goto(`${base}/supply`);
    const text = await page.locator("li.item:has-text('P-102')").textContent();
    same(text.includes("End the protection"), step === "protect", `${step} is seen`);
  }
}

async function money(page, run) {
  const form = (name) => page.locator(act(name));
  const fill = async (name, values) => {
    await form(name).locator("select[name=account]").selectOption("A-101");
    for (const [field, text] of Object.entries(values)) await form(name).locator(`input[name=${field}]`).fill(text);
  };
  await page.goto(`${base}/cash`);
  // A comma is no point: 20,00 is not 2000.
  await fill("recharge", { amount: "20,00", reference: `till-${run.number}` });
  await send(page, form("recharge"));
  check(await page.isVisible("#said[role=alert]"), `20,00 is refused: ${await said(page)}`);
  same(await form("recharge").locator("select[name=account]").inputValue(), "A-101", "the account is kept");
  same(await form("recharge").locator("input[name=reference]").inputValue(), `till-${run.number}`, "the receipt is kept");
  await looked(page, run, "cash-refused");
  await fill("recharge", { amount: "20.00" });
  const taken = await fields(form("recharge"));
  check((await send(page, form("recharge"))).includes("£20.00"), `taken: ${await said(page)}`);
  await twice(page, "/cash", taken, "a payment");
  await page.goto(`${base}/cash`);
  await fill("recharge", { amount: "20.00", reference: `till-${run.number}` });
  check((await send(page, form("recharge"))).includes("in the ledger already"), `the receipt counts once: ${await said(page)}`);
  await page.goto(`${base}/cash`);
  await fill("refund", { amount: "5.00", reference: `back-${run.number}`, reason: `paid twice, ${run.number}` });
  check((await send(page, form("refund"))).includes("£5.00"), `refunded: ${await said(page)}`);
  check((await page.textContent("section:has(#payments)")).includes(`back-${run.number}`), "the refund is listed");
  await page.goto(`${base}/cash`);
  await fill("refund", { amount: "99999.00", reason: "too much" });
  check((await send(page, form("refund"))).includes("more than the balance"), `too much: ${await said(page)}`);
  await fill("post", { amount: "-1.50", reason: `a key was lost, ${run.number}` });
  check((await send(page, form("post"))).includes("1.50"), `posted: ${await said(page)}`);
  await looked(page, run, "cash");
}

async function suspense(page, run) {
  await page.goto(`${base}/books`);
  const before = await page.locator("section:has(#suspense) li.item").count();
  const form = page.locator(`section:has(#suspense) ${act("match")}`).first();
  await unfold(form);
  await form.locator("select[name=account]").selectOption("A-101");
  await form.locator("input[name=reason]").fill(`the slip says so, ${run.number}`);
  const matched = await fields(form);
  await looked(page, run, "books");
  check((await send(page, form)).includes("It is settled"), `matched: ${await said(page)}`);
  same(await page.locator("section:has(#suspense) li.item").count(), before - 1, "it is in suspense no longer");
  await twice(page, "/books", matched, "a match");
}

// A tariff, and many tables at once: each is tried first, and nothing is changed until it is published.
async function rules(page, run) {
  const year = 2029 + run.number;
  const tariff = `[[tariff]]\nid = "home"\nversion = ${1 + run.number}\nfrom = ${year}-01-01\ndefault_period = "all"\n`
    + `energy = [ { period = "all", tiers = [ { price = "0.2${run.number}00" } ] } ]\n`;
  const areas = ["Flat 101", "Flat 102", "Flat 103"].map((unit, at) => `[[unit]]\nid = "${unit}"\narea_m2 = "${60 + 5 * at * run.number}"\n`).join("");
  for (const [what, text, reason] of [["tariff", tariff, `prices of ${year}`], ["correct", areas, `measured anew, ${run.number}`]]) {
    await page.goto(`${base}/rules`);
    await page.selectOption("#editor-what", what);
    await page.fill("#editor-text", text);
    await page.fill("#editor-reason", reason);
    check((await send(page, page.locator(act("try")).first())).includes("nothing is changed yet"), `${reason}: ${await said(page)}`);
    if (what === "correct") check(await page.isVisible("section:has(#effect) tbody tr"), "the areas change charges of settled days");
    await looked(page, run, `rules-${what}`);
    const publish = page.locator(`section:has(#effect) ${act("publish")}`);
    const form = await fields(publish);
    check((await send(page, publish)).includes("It is published"), `${reason}: ${await said(page)}`);
    await twice(page, "/rules", form, reason);
  }
}

const runs = {
  phone: { number: 1, size: "phone", script: true, room: "Flat 103", point: "P-103", unit: 2 },
  desk: { number: 2, size: "desk", script: false, room: "Flat 101", point: "P-101", unit: 1 },
};
if (part in runs) {
  const run = runs[part];
  const page = await open(browser, run);
  const second = await open(browser, run);
  await signIn(page, "mia");
  await signIn(second, "max");
  await alarms(page, run);
  await quarantine(page, run);
  await supply(page, second, run);
  await several(page, run);
  await money(page, run);
  await suspense(page, run);
  await rules(page, run);
  await page.context().close();
  await second.context().close();
}

// The auditor finds who did what and why, and nothing to do; finance the same books, and nothing to move.
if (part === "readers") for (const size of ["phone", "desk"]) {
  const page = await open(browser, { size });
  await signIn(page, "tom");
  await page.goto(`${base}/audit/changes`);
  // As far back as it goes.
  let history = await page.textContent("main");
  while (await page.locator("main a", { hasText: "Earlier ones" }).count()) {
    await page.click("main a:has-text('Earlier ones')");
    history += await page.textContent("main");
  }
  for (const reason of ["read on site, 1", "misread, 2", "paid twice, 1", "a key was lost, 2", "prices of 2030", "measured anew, 2"]) {
    check(history.includes(reason), `the history says ${reason}`);
  }
  for (const path of ["/alarms", "/supply", "/audit/changes", "/audit"]) {
    await page.goto(base + path);
    await accessible(page, `auditor ${path} ${size}`);
    await fits(page, `auditor ${path} ${size}`);
    if (path !== "/audit") same(await page.locator("main form[method=post]").count(), 0, `an auditor's forms at ${path}`);
  }
  await page.goto(`${base}/supply`);
  check((await page.textContent("section:has(#recent)")).includes("confirmed: supply is off"), "the auditor sees what was read back");
  await page.context().clearCookies();
  await signIn(page, "fay");
  await page.goto(`${base}/books?month=2026-04`);
  same(await page.locator("main form[method=post]").count(), 0, "finance moves no money");
  check((await page.textContent("section:has(#payments)")).includes("till-1"), "what was taken at the desk is in the books");
  check(await page.isVisible("section:has(#closing) tbody tr"), "the close check says what stands against the month");
  await accessible(page, `books ${size}`);
  await fits(page, `books ${size}`);
  await shot(page, `journey-finance-${size}`);
  await page.context().close();
}

// The same in Chinese, on a phone.
if (part === "readers") {
  const page = await open(browser, { size: "phone", language: "zh-CN" });
  await signIn(page, "mia");
  for (const [path, words] of [["/alarms", "已剔除"], ["/supply", "回读为断开"], ["/cash", "已到账"], ["/books?month=2026-03", "期间电量为插补"], ["/audit?account=A-101&month=2026-03&line=1", "抄表事件"]]) {
    await page.goto(base + path);
    check((await page.textContent("main")).includes(words), `${path} says ${words}`);
    await accessible(page, `${path} in Chinese`);
    await fits(page, `${path} in Chinese`);
    await shot(page, `journey-zh${path.split("?")[0].replace("/", "-")}-phone`);
  }
  await page.context().close();
}

await browser.close();
finish();

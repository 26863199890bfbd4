// Auditor and clerk at work: what was known when, proofs and the bundle, a bank's statement; at both widths.
import { createHash } from "node:crypto";
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn, site } from "./visit.mjs";

const browser = await browse();
const base = `${origin}/site/${site}`;

// No table has to be moved sideways to be read.
async function stands(page, name) {
  const wide = await page.$$eval(".scroll", (all) => all.map((one) => one.scrollWidth - one.clientWidth));
  check(wide.every((more) => more <= 1), `${name}: tables scroll sideways by ${wide}`);
}

async function look(user, pages) {
  for (const [size, scheme] of [["phone", "light"], ["desk", "light"], ["phone", "dark"]]) {
    const page = await open(browser, { size, scheme });
    await signIn(page, user);
    for (const [path, name] of pages) {
      const what = `${name}-${size}-${scheme}`;
      const answer = await page.goto(base + path);
      same(answer.status(), 200, what);
      await accessible(page, what);
      await fits(page, what);
      if (size === "phone") await stands(page, what);
      await shot(page, what);
    }
    await page.context().close();
  }
}

const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const node = (left, right) => sha(Buffer.from([1]), left, right);

// The root that a path leads to (RFC 6962 2.1.1).
function root(leaf, index, size, path) {
  if (size === 1) return leaf;
  let middle = 1;
  while (middle * 2 < size) middle *= 2;
  const rest = path.slice(0, -1), last = path[path.length - 1];
  return index < middle ? node(root(leaf, index, middle, rest), last) : node(last, root(leaf, index - middle, size - middle, rest));
}

// An auditor.
{
  await look("tom", [
    ["/audit", "audit"], ["/audit/known", "known"], ["/audit/known?about=pool&day=2026-04-07&known=2026-04-08T09:00&other=2026-04-09", "known-pool"],
    ["/audit/known?about=bill&account=A-101&day=2026-03-15", "known-bill"], ["/audit/known?about=rules&day=2026-03-15", "known-rules"],
    ["/audit/known?about=balance&account=A-102&day=2026-04-05", "known-balance"],
  ]);
  const page = await open(browser);
  await signIn(page, "tom");
  await page.goto(`${base}/audit`);
  const href = await page.getAttribute("section:has(#bundle) .links a", "href");
  const bundle = await page.context().request.get(origin + href);
  check((await bundle.body()).subarray(0, 19).toString() === "tallywatt bundle 1\n", "the bundle is one");
  check((await page.textContent("section:has(#bundle)")).includes("no signature yet"), "the page says what the bundle does not prove");
  await page.click("text=What was known when");
  await page.selectOption("#known-about", "balance");
  await page.fill("#known-known", "nonsense");
  await page.click("form.ask:has(#known-known) button");
  await page.waitForSelector(".note.bad");
  await page.context().close();
}

// A tenant compares a bill with the log.
{
  const page = await open(browser, { size: "phone" });
  await signIn(page, "ada");
  await page.goto(`${base}/account/A-101/bills/2026-03`);
  await accessible(page, "a bill with its proof");
  await fits(page, "a bill with its proof");
  await shot(page, "bill-proof-phone-light");
  const shown = await page.$$eval(".hashes dd", (all) => all.map((one) => one.textContent));
  const answer = await page.context().request.get(origin + await page.getAttribute("section:has(#proof) a", "href"));
  const [proof] = await answer.json();
  const leaf = sha(Buffer.from([0]), Buffer.from(proof.event.bytes, "base64"));
  same(leaf.toString("hex"), shown[0], "the bill's hash");
  const path = proof.event.path.map((hash) => Buffer.from(hash, "hex"));
  same(root(leaf, proof.event.position - 1, proof.size, path).toString("hex"), proof.root, "the root by the path");
  check(JSON.parse(Buffer.from(proof.event.bytes, "base64")).data.account === "A-101", "the event is the bill");
  await page.click("a:has-text('readings') >> nth=0").catch(() => {});
  await page.goto(`${base}/account/A-101/bills/2026-03/line/1`);
  check((await page.textContent("main")).includes("This bill is event"), "a line says where its bill stands");
  await page.context().close();
}

const rows = "date,amount,reference,bank,text\n2026-04-02,50.00,R-1,B-1,rent and power\n2026-04-03,12.34,,B-2,who is this\n2026-04-03,12.34,,B-2,who is this\n";

// A statement: looked at first; what nobody knows goes into suspense, once. Without script as with it.
for (const [size, script] of [["phone", false], ["desk", true]]) {
  const name = `bank ${size}`;
  const page = await open(browser, { size, script });
  await signIn(page, "mia");
  await page.goto(`${base}/books`);
  await page.click("text=Bank statement");
  if (script) await accessible(page, name);
  await shot(page, `bank-${size}-light`);
  const text = script ? rows.replaceAll("B-", "C-") : rows;
  if (script) {
    await page.setInputFiles("input[type=file]", { name: "april.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    await page.waitForFunction(() => document.querySelector("#bank-statement").value.length > 50);
    same(await page.inputValue("#bank-statement"), text, "the file's text");
  } else {
    check(await page.isHidden("input[type=file]"), "without script there is no file to choose");
    await page.fill("#bank-statement", text);
  }
  await page.click("form.ask:has(#bank-statement) button");
  await page.waitForSelector("#sums");
  const sums = await page.textContent("section:has(#sums)");
  check(sums.includes("12.34") && sums.includes("Nothing is booked yet"), `${name}: ${sums}`);
  check((await page.textContent("section:has(#rows)")).includes("Came twice"), "a row that comes twice");
  if (script) await accessible(page, `${name}, looked at`);
  await fits(page, `${name}, looked at`);
  if (size === "phone") await stands(page, name);
  await shot(page, `bank-looked-${size}-light`);
  await page.click("section:has(#sums) form.ask button");
  await page.waitForSelector("#said");
  check((await page.textContent("#said")).includes("2 payments"), `posted: ${await page.textContent("#said")}`);
  check((await page.$$("section:has(#sums) form.ask")).length === 0, "there is nothing more to confirm");
  await page.goto(`${base}/books`);
  check((await page.textContent("section:has(#suspense)")).includes("12.34"), "it is in suspense");
  await page.goto(`${base}/books/bank`);
  await page.fill("#bank-statement", text);
  await page.click("form.ask:has(#bank-statement) button");
  await page.waitForSelector("#sums");
  check((await page.$$("section:has(#sums) form.ask")).length === 0, "the same statement again has nothing new");
  await page.fill("#bank-statement", "date,amount\n2026-04-02,twelve\n");
  await page.click("form.ask:has(#bank-statement) button");
  await page.waitForSelector("#said[role=alert]");
  const wrong = await page.textContent("#said");
  check(wrong.includes("2") && wrong.includes("amount") && wrong.includes("-12.50"), `a fault with line, field and mend: ${wrong}`);
  await page.context().close();
}

// Finance looks, and confirms nothing.
{
  const page = await open(browser);
  await signIn(page, "fay");
  await page.goto(`${base}/books/bank`);
  await page.fill("#bank-statement", rows.replaceAll("B-", "D-"));
  await page.click("form.ask:has(#bank-statement) button");
  await page.waitForSelector("#sums");
  check((await page.$$("section:has(#sums) form.ask")).length === 0, "finance confirms nothing");
  const fields = await page.$eval("form.ask:has(#bank-statement)", (form) => Object.fromEntries(new FormData(form)));
  const forged = await page.context().request.post(`${base}/books/bank`, { form: { ...fields, act: "post" } });
  same(forged.status(), 403, "finance posts nothing by a form of its own");
  await page.context().close();
}

await browser.close();
finish();

// A bill on paper: all of it, on few pages, and nothing of the screen's.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { browse, check, finish, open, same, shot, signIn } from "./visit.mjs";
import { pages } from "./pdf.mjs";

const browser = await browse();
// Fonts map some characters to radicals that look the same.
const bare = (text) => text.normalize("NFKC").replace(/\s/g, "");
for (const [language, title, parts, screen] of [
  ["en-GB", "Bill of March 2026", ["Your own use", "Shared costs", "Closing balance", "Summary", "By day"], ["Sign out", "All bills", "Skip to", "How this is made up", "Down to the readings"]],
  ["zh-CN", "2026年3月账单", ["室内用电", "公摊费用", "期末余额", "汇总", "按日"], ["退出", "全部账单", "计算过程", "查看读数"]],
]) {
  // Whoever reads in the dark prints on white.
  const page = await open(browser, { language, scheme: "dark" });
  await signIn(page, "ada");
  await page.goto(`${page.url()}/bills/2026-03`);
  const closing = (await page.textContent("#summary ~ table tfoot td, section:has(#summary) tfoot td")).trim();
  const working = (await page.locator(".steps p").first().textContent()).trim();
  await page.emulateMedia({ media: "print" });
  for (const gone of [".places", ".tools", ".skip", ".turn", ".crumb"]) same(await page.isVisible(gone), false, `${gone} on paper`);
  // No more than fits an A4 page of 210 mm with its margins.
  await page.setViewportSize({ width: 718, height: 1040 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `${wide} px wider than the paper`);
  const ink = await page.$eval("main", (main) => [getComputedStyle(main).color, getComputedStyle(document.documentElement).backgroundColor]);
  same(ink[0], "rgb(0, 0, 0)", "the ink");
  same(ink[1], "rgb(255, 255, 255)", "the paper");
  await shot(page, `print-${language}`);
  const bytes = await page.pdf({ format: "A4", margin: { top: "12mm", bottom: "12mm", left: "10mm", right: "10mm" } });
  if (process.env.PORTAL_SHOTS) writeFileSync(path.join(process.env.PORTAL_SHOTS, `bill-${language}.pdf`), bytes);
  const texts = pages(bytes);
  console.log(`${language}: ${texts.length} pages`);
  check(texts.length >= 1 && texts.length <= 4, `${texts.length} pages`);
  check(texts.every((text) => text.length > 40), `no page is nearly empty: ${texts.map((text) => text.length)}`);
  const text = bare(texts.join(""));
  for (const part of [title, ...parts, closing, working]) check(text.includes(bare(part)), `the paper has ${part}: ${text.slice(0, 2000)}`);
  for (const part of screen) check(!text.includes(bare(part)), `the paper has no ${part}`);
  await page.context().close();
}

await browser.close();
finish();

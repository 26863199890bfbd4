// What all browser tests share: a browser, pages that note every fault, and axe.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

const tools = createRequire(path.join(process.env.BROWSER_TOOLS, "package.json"));
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

export const [, , origin, site, password] = process.argv;
export const sizes = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
const shots = process.env.PORTAL_SHOTS;
const styles = process.env.PORTAL_CSS;

export const faults = [];
export const check = (right, what) => { if (!right) { faults.push(what); console.error("WRONG", what); } };
export const same = (is, should, what) => check(is === should, `${what}: ${JSON.stringify(is)}, and should be ${JSON.stringify(should)}`);

export async function browse() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium", headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"],
  });
}

// A page whose errors, refused loads and broken policies are faults.
export async function open(browser, { size = "desk", scheme = "light", script = true, language = "en-GB", scale = 1 } = {}) {
  const context = await browser.newContext({
    viewport: sizes[size], colorScheme: scheme, javaScriptEnabled: script, locale: language, deviceScaleFactor: scale,
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) check(false, `console: ${message.text()}`); });
  page.on("pageerror", (error) => check(false, `script: ${error.message}`));
  // What a page was still loading when it was left is no fault.
  const isLeft = (request) => request.url().endsWith("/live") || request.failure()?.errorText === "net::ERR_ABORTED";
  page.on("requestfailed", (request) => { if (!isLeft(request)) check(false, `not loaded: ${request.url()}`); });
  page.on("request", (request) => check(request.url().startsWith(origin) || request.url().startsWith("data:"), `foreign: ${request.url()}`));
  if (styles) await context.route(/portal\.css$/, (route) => route.fulfill({ path: styles, contentType: "text/css" }));
  return page;
}

export async function signIn(page, user) {
  await page.goto(`${origin}/sign-in`);
  await page.fill("#user", user);
  await page.fill("#password", password);
  await page.click("main button");
  await page.waitForURL(/\/site\//);
}

// No violation of WCAG 2.2 A and AA, nor of axe's good practice.
export async function accessible(page, what) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const result = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), tags);
  for (const one of result.violations) {
    check(false, `${what}: axe ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
  }
}

// Nothing is wider than the window.
export async function fits(page, what) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `${what}: ${wide} px wider than the window`);
}

export async function shot(page, name, whole = true) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: whole });
}

export function finish() {
  console.log(`${faults.length} faults`);
  process.exit(faults.length ? 1 : 0);
}

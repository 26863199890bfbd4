// The first page of who looks after several sites. The third argument is the user.
import { accessible, browse, check, finish, fits, open, origin, password, shot, site as user } from "./visit.mjs";

const browser = await browse();
for (const [size, scheme, language] of [["phone", "light", "en-GB"], ["desk", "dark", "en-GB"], ["phone", "light", "zh-CN"]]) {
  const page = await open(browser, { size, scheme, language });
  await page.goto(`${origin}/sign-in`);
  await page.fill("#user", user);
  await page.fill("#password", password);
  await page.click("main button");
  await page.waitForSelector(".rows .chip");
  const name = `start ${size} ${scheme} ${language}`;
  await accessible(page, name);
  await fits(page, name);
  await shot(page, name.replaceAll(" ", "-"));
  await page.click(".rows a");
  check(/\/site\/berlin$/.test(page.url()), `${name} leads to ${page.url()}`);
  await page.context().close();
}
await browser.close();
finish();

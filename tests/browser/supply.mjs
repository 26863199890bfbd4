// A tenant whose supply waits for a word reads the card, and says it.
import { accessible, browse, check, finish, fits, open, shot, signIn } from "./visit.mjs";

const browser = await browse();
for (const [size, scheme] of [["desk", "light"], ["phone", "dark"]]) {
  const page = await open(browser, { size, scheme });
  await signIn(page, "eve");
  await page.click(".rules summary");
  await accessible(page, `supply ${size} ${scheme}`);
  await fits(page, `supply ${size}`);
  await shot(page, `supply-${size}-${scheme}`, false);
  await page.context().close();
}

// Without script, too.
const page = await open(browser, { size: "phone", script: false });
await signIn(page, "eve");
await page.click(".confirm button");
await page.waitForSelector(".figure");
check(!(await page.isVisible(".confirm")), "the button has done its work");
await fits(page, "supply confirmed");
await page.context().close();

await browser.close();
finish();

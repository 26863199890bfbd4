// Where a site asks for two persons, money that is given away waits for the second one.
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn, site } from "./visit.mjs";

const base = `${origin}/site/${site}`;
const browser = await browse();
const act = (name) => `form.ask:has(input[name=act][value=${name}])`;

async function send(page, form) {
  await Promise.all([page.waitForNavigation(), page.locator(`${form} button.button`).click()]);
  return page.textContent("#said");
}

for (const [number, size, script] of [[1, "phone", true], [2, "desk", false]]) {
  const [mia, max] = [await open(browser, { size, script }), await open(browser, { size, script })];
  await signIn(mia, "mia");
  await signIn(max, "max");
  // Money in is one person's.
  await mia.goto(`${base}/cash`);
  await mia.selectOption("#recharge-account", "A-101");
  await mia.fill("#recharge-amount", "20.00");
  check((await send(mia, act("recharge"))).includes("£20.00"), `taken: ${await mia.textContent("#said")}`);
  await mia.selectOption("#refund-account", "A-101");
  await mia.fill("#refund-amount", "5.00");
  await mia.fill("#refund-reason", `moves abroad, ${number}`);
  check((await send(mia, act("refund"))).includes("waits for a second person"), `proposed: ${await mia.textContent("#said")}`);
  await mia.goto(`${base}/rules`);
  check((await mia.textContent("section:has(#waiting)")).includes(`moves abroad, ${number}`), "who proposed it sees that it waits");
  same(await mia.locator(act("approve")).count(), 0, "and has no button");
  await max.goto(`${base}/rules`);
  check((await max.textContent("section:has(#waiting)")).includes("By mia"), "the second sees who proposed it");
  if (script) await accessible(max, `waiting ${size}`);
  await fits(max, `waiting ${size}`);
  await shot(max, `journey-waiting-${size}`);
  const form = await max.locator(act("approve")).evaluate((one) => Object.fromEntries(new FormData(one)));
  check((await send(max, act("approve"))).includes("It is approved, and in force."), `approved: ${await max.textContent("#said")}`);
  const again = await max.context().request.post(`${base}/rules`, { form });
  check((await again.text()).includes("The form came twice"), "an approval counts once");
  check(!(await max.isVisible("#waiting")), "nothing waits any more");
  await mia.context().close();
  await max.context().close();
}

await browser.close();
finish();

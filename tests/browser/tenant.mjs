// A tenant's journey at both widths, in both schemes and languages, with script and without.
import { accessible, browse, check, finish, fits, open, origin, same, shot, signIn } from "./visit.mjs";

const browser = await browse();

for (const size of ["phone", "desk"]) {
  for (const scheme of ["light", "dark"]) {
    const page = await open(browser, { size, scheme });
    await page.goto(`${process.argv[2]}/`);
    check(page.url().includes("/sign-in"), "who is not signed in is asked to");
    await accessible(page, `sign-in ${size} ${scheme}`);
    await shot(page, `sign-in-${size}-${scheme}`, false);
    await signIn(page, "ada");
    const home = page.url();
    await page.waitForSelector(".uplot");
    await accessible(page, `home ${size} ${scheme}`);
    await fits(page, `home ${size}`);
    await shot(page, `home-${size}-${scheme}`);
    for (const [name, path] of [["usage", "usage"], ["march", "month/2026-03"], ["gap-day", "day/2026-03-17"], ["bills", "bills"],
      ["bill", "bills/2026-03"], ["bill-open", "bills/2026-04"], ["payments", "payments"]]) {
      const answer = await page.goto(`${home}/${path}`);
      check(answer.status() === 200, `${path}: ${answer.status()}`);
      if (name === "gap-day") await page.waitForSelector(".uplot");
      await accessible(page, `${name} ${size} ${scheme}`);
      await fits(page, `${name} ${size}`);
      await shot(page, `${name}-${size}-${scheme}`);
    }
    await page.context().close();
  }
}

// The first visit, all that is loaded of it, is at most 100 kB on the wire.
{
  const page = await open(browser, { size: "phone" });
  const wire = await page.context().newCDPSession(page);
  let bytes = 0;
  await wire.send("Network.enable");
  wire.on("Network.loadingFinished", (one) => { bytes += one.encodedDataLength; });
  await signIn(page, "ada");
  await page.waitForSelector(".uplot");
  console.log(`first visit: ${bytes} bytes`);
  check(bytes > 10_000 && bytes <= 100_000, `the first visit takes ${bytes} bytes`);

  // A line of a bill opens in its place, down to its readings.
  const home = page.url();
  await page.goto(`${home}/bills/2026-03`);
  await page.click("details summary");
  await page.click("details a[hx-get]");
  await page.waitForSelector("details #working");
  check((await page.textContent("#working")).includes("M-101"), "the working names the meter");
  await accessible(page, "an open line");
  await shot(page, "line-phone-light", false);
  await page.context().close();
}

// Without script everything is there: the curve, the table, and the line's own page.
{
  const page = await open(browser, { script: false });
  await signIn(page, "ada");
  const home = page.url();
  check(await page.isVisible(".today svg.chart"), "the day is drawn by the server");
  check(await page.isVisible(".today details summary"), "the day has a table");
  await shot(page, "home-desk-noscript");

  // What the bars show adds up to the bill, to the milliwatt-hour.
  await page.goto(`${home}/bills/2026-03`);
  const bars = await page.locator("svg.chart rect[data-mwh]").all();
  let mwh = 0;
  for (const bar of bars) mwh += Number(await bar.getAttribute("data-mwh"));
  const said = (await page.textContent("#indoor + p")).match(/^([\d,.]+) kWh/)[1].replaceAll(",", "");
  same((mwh / 1e6).toFixed(6), Number(said).toFixed(6), "the bars and the bill");
  check(bars.length > 60, "a month has bars of three periods");
  await page.click("details summary");
  await page.click("details a[hx-get]");
  check(page.url().includes("/line/1") && (await page.textContent("main")).includes("M-101"), "a line has a page");

  // A gap is said, on the day and on the bill.
  await page.goto(`${home}/month/2026-03`);
  check((await page.textContent("main")).includes("interpolated 4 h"), "the month says its gap");
  await page.goto(`${home}/day/2026-03-17`);
  check((await page.textContent("main")).includes("interpolated 4 h"), "the day says its gap");

  // A neighbour's account is not there, and neither is the site.
  for (const path of ["/site/riverside/account/A-102", "/site/riverside/account/A-102/bills/2026-03", "/site/riverside", "/site/elsewhere"]) {
    const answer = await page.context().request.get(origin + path);
    same(answer.status(), 404, path);
    check(!(await answer.text()).includes("Flat 102"), `${path} shows nothing of the neighbour`);
  }
  await page.context().close();
}

// Chinese, by what the browser asks for; the switch keeps to English.
{
  const page = await open(browser, { size: "phone", language: "zh-CN" });
  await signIn(page, "ada");
  same(await page.getAttribute("html", "lang"), "zh-CN", "the language of a Chinese browser");
  check((await page.textContent("main")).includes("余额"), "the balance is said in Chinese");
  await page.waitForSelector(".uplot");
  await accessible(page, "home in Chinese");
  await shot(page, "home-phone-zh");
  await page.click("text=English");
  same(await page.getAttribute("html", "lang"), "en", "the switch");
  await page.reload();
  same(await page.getAttribute("html", "lang"), "en", "the switch is kept");
  await page.context().close();
}

// A manager sees the rooms, and a room's account.
{
  const page = await open(browser);
  await signIn(page, "mia");
  check((await page.textContent("main")).includes("Flat 102"), "a manager sees all rooms");
  await accessible(page, "rooms");
  await shot(page, "rooms-desk-light", false);
  await page.click("text=Flat 102");
  await page.waitForSelector(".figure");
  await page.context().close();
}

await browser.close();
finish();

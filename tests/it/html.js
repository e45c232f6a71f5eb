// Looks at a page in a real browser and prints what it sees: node html.js widths|all PAGE.
const { chromium } = require("playwright-core");
const path = require("node:path");

const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const address = "file://" + process.argv.at(-1);
const hash = (page) => page.evaluate(() => location.hash);
const rows = (page) => page.locator("tbody tr:visible").count();
const codes = async (page) => (await page.locator("tbody tr:visible td:first-child a").allTextContents()).join(" ");

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: quiet });
  const open = async (options, script = true) => {
    const page = await (await browser.newContext({ javaScriptEnabled: script, ...options })).newPage();
    page.on("console", (message) => console.log("console:", message.text()));
    page.on("pageerror", (error) => console.log("error:", String(error)));
    page.on("request", (request) => { if (!request.url().startsWith("file:")) console.log("request:", request.url()); });
    await page.goto(address);
    return page;
  };

  for (const [width, colorScheme] of [[390, "light"], [390, "dark"], [1280, "light"], [1280, "dark"]]) {
    const page = await open({ viewport: { width, height: 800 }, colorScheme });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.click("button[name=open]");
    await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
    const wider = await page.evaluate(() => [...document.querySelectorAll("*")].filter((part) => part.getBoundingClientRect().right > innerWidth).length);
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    console.log(`${width} ${colorScheme}: ground ${ground}, too wide ${wider}, scrolls sideways ${scrolls}`);
  }

  if (process.argv.at(-2) === "widths") return browser.close();

  const page = await open({ viewport: { width: 1280, height: 800 } });
  console.log(`all: ${await codes(page)}`);
  for (const order of ["member", "rule", "place"]) {
    await page.selectOption("select[name=order]", order);
    console.log(`by ${order}: ${await codes(page)} ${await hash(page)}`);
  }
  await page.fill("input[name=q]", "OFICE");
  await page.selectOption("select[name=rule]", "S106");
  console.log(`searched: ${await codes(page)} ${await hash(page)} ${await page.textContent("output")}`);
  await page.click("tbody tr:visible td a");
  console.log(`the rule's page: ${await hash(page)} ${await page.locator("#S106").isVisible()}, and still ${await rows(page)}`);
  await page.goBack();
  console.log(`back: ${await hash(page)} ${await rows(page)}`);
  await page.click("button[type=reset]");
  await page.waitForFunction(() => !location.hash);
  console.log(`cleared: ${await codes(page)}`);
  await page.click(".charts a[href='#file=data%2Fb.csv']");
  await page.waitForFunction(() => document.querySelector("select[name=file]").value);
  console.log(`from a chart: ${await codes(page)} ${await page.inputValue("select[name=file]")}`);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("select[name=file]").value === "data/a.json");
  console.log(`by keyboard: ${await codes(page)}`);

  const plain = await open({ viewport: { width: 390, height: 800 } }, false);
  await plain.click("tbody tr:first-child td a");
  console.log(`without a script: ${await rows(plain)} rows, form ${await plain.locator("form").isVisible()}, rule's page ${await plain.locator("#S104").isVisible()}`);

  const axe = path.join(process.env.NODE_PATH, "axe-core/axe.min.js");
  for (const [width, colorScheme] of [[390, "dark"], [1280, "light"]]) {
    const seen = await open({ viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
    await seen.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
    await seen.addScriptTag({ path: axe });
    const { violations, passes } = await seen.evaluate(() => globalThis.axe.run());
    for (const { id, nodes } of violations) console.log(`hard to read: ${id}: ${nodes[0].html} ${nodes[0].failureSummary}`);
    console.log(`${width} ${colorScheme}: nothing hard to read in what was looked at: ${violations.length === 0 && passes.length > 20}`);
  }
  await browser.close();
})();

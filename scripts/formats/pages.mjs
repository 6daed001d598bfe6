// Opens the pages of loads, matrices and histories in a real browser: that nothing foreign runs or is
// fetched, that all can read them (axe-core), in light and dark, narrow and printed.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [, , folder] = process.argv;
const names = readdirSync(folder).filter((name) => name.endsWith(".html"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });

const open = async (name, { scheme = "light", width = 1280 } = {}) => {
  const address = pathToFileURL(resolve(join(folder, name))).href;
  const page = await browser.newPage();
  const wrongs = [];
  page.on("request", (request) => { if (request.url() !== address) wrongs.push(`asked for ${request.url()}`); });
  page.on("console", (message) => wrongs.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrongs.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wrongs.push("a dialog"); dialog.dismiss(); });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width, height: 900 });
  await page.goto(address);
  await page.$$eval("details", (all) => { for (const one of all) one.open = true; });
  return { page, wrongs };
};

for (const name of names) {
  const { page, wrongs } = await open(name);
  assert.equal(await page.evaluate(() => window.owned), undefined, name);
  const counts = await page.evaluate(() => Object.fromEntries(["script", "style", "img", "iframe", "base", "link", "a", "h1"]
    .map((tag) => [tag, document.getElementsByTagName(tag).length])));
  assert.deepEqual(counts, { script: 1, style: 1, img: 0, iframe: 0, base: 0, link: 0, a: 1, h1: 1 }, name);
  const handlers = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) =>
    [...element.attributes].some(({ name }) => name.startsWith("on") || name === "style")).length);
  assert.equal(handlers, 0, name);
  // A path that is none would be drawn as nothing, and told on the console.
  const odd = await page.$$eval("svg [d], svg [x], svg [width]", (all) => all.filter((element) =>
    /NaN|inf/i.test((element.getAttribute("d") ?? "") + element.getAttribute("x") + element.getAttribute("width"))).length);
  assert.equal(odd, 0, name);
  assert.deepEqual(wrongs, [], name);
  await page.close();

  for (const scheme of ["light", "dark"]) {
    const { page } = await open(name, { scheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.length}, ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
    assert.deepEqual(told, [], `${name}, ${scheme}`);
    await page.close();
  }

  const narrow = await open(name, { width: 360 });
  const wide = await narrow.page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${name}: ${wide} pixels wide on a narrow screen`);
  await narrow.page.close();
  assert.ok(statSync(join(folder, name)).size < 3_000_000, name);
}
console.log(`checked: ${names.length} pages of loads, matrices and histories, in Chromium`);

// The one thing that can be chosen in a matrix.
{
  const { page } = await open("matrix.html");
  const rows = () => page.$$eval("tbody tr", (all) => all.filter((row) => row.checkVisibility()).length);
  const before = await rows();
  await page.click("#differ");
  const after = await rows();
  assert.ok(after > 0 && after < before, `${after} of ${before} rows`);
  await page.close();
}
console.log("checked: a matrix shows what differs alone, where that is asked for");
await browser.close();

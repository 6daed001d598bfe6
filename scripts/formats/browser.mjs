// Opens the pages in a real browser: that nothing foreign runs or is fetched, that the filters work,
// that it can be read by all (axe-core), in light and dark, narrow and printed.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [, , folder] = process.argv;
const kinds = readdirSync(folder).filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Without a sandbox, as containers give none; the pages are our own.
const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });
const address = (kind) => pathToFileURL(resolve(join(folder, `${kind}.html`))).href;

/** A page, and everything that it did but should not. */
const open = async (kind, { hash = "", scripts = true, scheme = "light", width = 1280 } = {}) => {
  const page = await browser.newPage();
  const wrongs = [];
  page.on("request", (request) => { if (request.url().split("#")[0] !== address(kind)) wrongs.push(`asked for ${request.url()}`); });
  page.on("console", (message) => wrongs.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrongs.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wrongs.push("a dialog"); dialog.dismiss(); });
  await page.setJavaScriptEnabled(scripts);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({ width, height: 900 });
  await page.goto(address(kind) + hash);
  return { page, wrongs };
};
const visible = (page) => page.$$eval("details.rule", (rules) => rules.filter((rule) => rule.checkVisibility()).length);
const shown = (page) => page.$eval("#shown", (output) => Number.parseInt(output.textContent, 10));

// 1. Whatever an agent wrote is text: nothing runs, loads or leaves, and no element is of its making.
for (const kind of kinds) {
  const { page, wrongs } = await open(kind);
  await page.$$eval("details", (all) => { for (const one of all) one.open = true; });
  assert.equal(await page.evaluate(() => window.owned), undefined, kind);
  const counts = await page.evaluate(() => Object.fromEntries(["script", "style", "img", "iframe", "base", "link", "a", "h1"]
    .map((tag) => [tag, document.getElementsByTagName(tag).length])));
  assert.deepEqual(counts, { script: 1, style: 1, img: 0, iframe: 0, base: 0, link: 0, a: 1, h1: 1 }, kind);
  const handlers = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) =>
    [...element.attributes].some(({ name }) => name.startsWith("on") || name === "style")).length);
  assert.equal(handlers, 0, kind);
  assert.deepEqual(wrongs, [], kind);
  await page.close();
}
// The policy is at work, and so are this script's eyes: what it forbids is refused, and seen.
{
  const { page, wrongs } = await open("failing");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.owned = 1";
    document.body.append(script);
    const image = document.createElement("img");
    image.src = "http://127.0.0.1:1/x.png";
    document.body.append(image);
  });
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.ok(wrongs.length >= 2, "the policy's refusals are told on the console");
  await page.close();
}
console.log("checked: nothing foreign runs or is fetched, in Chromium");

// 2. Filters, links, copying, themes, keys.
{
  const { page, wrongs } = await open("failing");
  const report = JSON.parse(readFileSync(join(folder, "failing.json"), "utf8"));
  const count = (fits) => report.results.filter(fits).length;
  const agrees = async (number, what) => {
    assert.equal(await shown(page), number, what);
    assert.equal(await visible(page), number, what);
  };
  await agrees(report.results.length, "at first");

  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");

  await page.keyboard.press("/");
  await page.keyboard.type("data-is-json");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  assert.ok(await shown(page) >= 1 && await shown(page) < report.results.length);
  assert.equal(await visible(page), await shown(page));
  await page.keyboard.press("Escape");
  await agrees(report.results.length, "after Escape");

  await page.click("input[name=status][value=pass]");
  await agrees(count((it) => it.status !== "pass"), "without what passed");
  await page.select("#feature", "streaming");
  await agrees(count((it) => it.status !== "pass" && it.feature === "streaming"), "of streaming");
  await page.select("#level", "SHOULD");
  await agrees(count((it) => it.status !== "pass" && it.feature === "streaming" && it.level === "should"), "SHOULDs");
  await page.click("button[type=reset]");
  await page.waitForFunction((all) => document.getElementById("shown").textContent.startsWith(`${all} of`), {}, report.results.length);
  await page.type("#search", "no rule says this");
  await agrees(0, "nothing fits");
  assert.ok(await page.$eval("#nothing", (note) => note.checkVisibility()));
  await page.click("button[type=reset]");

  await page.click("button[data-feature=errors]");
  const errors = count((it) => it.feature === "errors");
  await page.waitForFunction((all) => document.getElementById("shown").textContent.startsWith(`${all} of`), {}, errors);
  await page.click("button[type=reset]");

  await browser.defaultBrowserContext().overridePermissions(address("failing"), ["clipboard-read", "clipboard-write"]);
  const paste = () => page.evaluate(() => navigator.clipboard.readText());
  await page.click("details.rule[open] button[data-copy]");
  assert.equal(await paste(), await page.$eval("details.rule[open] .id", (id) => id.textContent));
  await page.click("details.rule[open] .copy button");
  assert.equal(await paste(), await page.$eval("details.rule[open] .curl", (line) => line.textContent));

  const ground = () => page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
  const light = await ground();
  await page.click("#theme");
  await page.click("#theme");
  assert.notEqual(await ground(), light, "the dark theme is another");
  await page.reload();
  assert.notEqual(await ground(), light, "the theme is kept");
  await page.click("#theme");
  assert.equal(await ground(), light, "and the system's again");

  await page.focus("details.rule:not([open]) > summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.evaluate(() => document.activeElement.parentElement.open), "Enter opens a rule");
  assert.deepEqual(wrongs, []);
  await page.close();

  const rule = report.results.find((it) => it.status === "pass").rule;
  const linked = await open("failing", { hash: `#rule-${rule}` });
  assert.ok(await linked.page.$eval(`[id="rule-${rule}"]`, (it) => it.open), "a link opens its rule");
  await linked.page.close();
}
console.log("checked: filters, search, links, copying, themes and keys, in Chromium");

// 3. For everyone: screen readers, contrast, narrow screens, paper, no scripts.
for (const kind of ["clean", "failing", "unreachable"]) {
  for (const scheme of ["light", "dark"]) {
    const { page } = await open(kind, { scheme });
    await page.$$eval("details", (all) => { for (const one of all) one.open = true; });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes.length}, ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary}`);
    assert.deepEqual(told, [], `${kind}, ${scheme}`);
    await page.close();
  }
}
for (const kind of kinds) {
  const { page } = await open(kind, { width: 360 });
  await page.$$eval("details", (all) => { for (const one of all) one.open = true; });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${kind}: ${wide} pixels wide on a narrow screen`);
  await page.close();
}
{
  const { page } = await open("failing");
  await page.emulateMediaType("print");
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.$$eval("details:not([open])", (closed) => closed.length), 0, "paper shows all");
  assert.equal(await page.$eval(".filters", (form) => form.checkVisibility()), false);
  const pages = (await page.pdf({ format: "A4" })).length;
  assert.ok(pages > 10_000);
  await page.close();
  const { page: still } = await open("failing", { scripts: false });
  assert.equal(await still.$$eval("details.rule", (rules) => rules.length) > 0, true);
  assert.equal(await still.$eval(".filters", (form) => form.hidden), true);
  await still.close();
}
console.log("checked: axe-core finds nothing in light or dark; narrow, on paper, without scripts");

// 4. Size and speed of 120 rules and 2,000 exchanges. Speed is said, not judged: machines differ.
{
  const size = statSync(join(folder, "large.html")).size;
  assert.ok(size < 3_000_000, `${size} bytes`);
  const { page } = await open("large");
  const [rules, exchanges] = await page.evaluate(() => [document.querySelectorAll(".rule").length, document.querySelectorAll("article").length]);
  assert.ok(rules >= 120 && exchanges >= 2_000, `${rules} rules, ${exchanges} exchanges`);
  const times = [];
  for (let run = 0; run < 5; run += 1) {
    await page.reload();
    times.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd));
  }
  times.sort((a, b) => a - b);
  console.log(`measured: ${rules} rules, ${exchanges} exchanges: ${(size / 1e6).toFixed(2)} MB, loaded in ${Math.round(times[2])} ms (median of 5)`);
  await page.close();
}
await browser.close();

// Reads what is TAP, Markdown or HTML, by parsers and a validator.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { HtmlValidate } from "html-validate";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { Parser } from "tap-parser";

const [, , folder] = process.argv;
const kinds = readdirSync(folder).filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5));
const read = (kind, suffix) => readFileSync(join(folder, `${kind}.${suffix}`), "utf8");

for (const kind of kinds) {
  const report = JSON.parse(read(kind, "json"));

  const parser = new Parser();
  const odd = [];
  parser.on("extra", (text) => odd.push(text));
  const results = await new Promise((done) => { parser.on("complete", done); parser.end(read(kind, "tap")); });
  assert.equal(results.ok, report.verdict === "pass", `${kind}: ${JSON.stringify(results.failures)}`);
  assert.deepEqual(odd, [], kind);
  const points = report.results.length + (report.stale_expectations ?? []).length + (report.unscored ?? []).length;
  if (!results.bailout) assert.equal(results.count, points, kind);

  const markdown = read(kind, "md");
  assert.ok(markdown.length < 65_536, `${kind}: GitHub takes no longer comment`);
  const html = micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  const tags = new Set([...html.matchAll(/<([a-z0-9]+)/gi)].map(([, tag]) => tag.toLowerCase()));
  const ours = new Set(["h2", "h3", "p", "code", "strong", "b", "table", "thead", "tbody", "tr", "th", "td",
    "details", "summary", "ul", "li", "pre"]);
  for (const tag of tags) assert.ok(ours.has(tag), `${kind}: the Markdown makes a <${tag}>`);
  const opened = (tag) => html.split(`<${tag}>`).length - html.split(`</${tag}>`).length;
  assert.equal(opened("details"), 0, kind);
}
console.log("checked: TAP by tap-parser, Markdown by micromark with GitHub's extensions");

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    // Whitespace and length are the template's business; a scrolled table is rightly a region.
    "long-title": "off",
    "no-trailing-whitespace": "off",
    "prefer-native-element": "off",
    // The filters act as one types; there is nothing to submit.
    "wcag/h32": "off",
    // HTML allows any id without spaces, and a rule's has a dot.
    "valid-id": ["error", { relaxed: true }],
  },
});
// The other pages of the family: loads, matrices, histories.
const pages = readdirSync(join(folder, "pages")).filter((name) => name.endsWith(".html"));
const all = [...kinds.map((kind) => [kind, `${kind}.html`]), ...pages.map((name) => [name, join("pages", name)])];
for (const [kind, path] of all) {
  const told = await validator.validateString(readFileSync(join(folder, path), "utf8"));
  const faults = told.results.flatMap((result) => result.messages);
  for (const fault of faults.slice(0, 10)) console.error(`${kind}:${fault.line}:${fault.column} ${fault.ruleId}: ${fault.message}`);
  assert.equal(faults.length, 0, `${kind}: ${faults.length} faults`);
}
console.log("checked: HTML, by html-validate");

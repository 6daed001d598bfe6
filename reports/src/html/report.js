
"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  for (const element of all(".js")) element.hidden = false;
  const say = (text) => { one("said").textContent = text; };

  // Theme: system, light, dark. Where nothing can be kept, it lasts as long as the page.
  const themes = ["system", "light", "dark"];
  const kept = { get: () => { try { return localStorage.getItem("acp-tck-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("acp-tck-theme", value); } catch { /* not kept */ } } };
  let theme = themes.includes(kept.get()) ? kept.get() : "system";
  const dress = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    one("theme").textContent = "Theme: " + theme;
  };
  one("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    kept.set(theme);
    dress();
  });
  dress();

  for (const line of all(".copy")) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.copy = "";
    button.textContent = "Copy curl";
    line.append(button);
  }

  // Copying: the clipboard where it is allowed, else a selection.
  const copied = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way, then */ }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "off";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const text = button.dataset.copy || button.parentElement.querySelector("pre").textContent;
    const label = button.dataset.label ||= button.textContent;
    const done = await copied(text);
    button.focus();
    button.textContent = done ? "Copied" : "Could not copy";
    say(done ? "Copied" : "Could not copy");
    setTimeout(() => { button.textContent = label; }, 1500);
  });

  // Printing shows everything that passes the filters.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const element of closed) element.open = true;
  });
  addEventListener("afterprint", () => { for (const element of closed) element.open = false; });
  one("print").addEventListener("click", () => print());

  const form = document.querySelector(".filters");
  if (!form) return;
  const rules = all("details.rule").map((element) => ({ element, ...element.dataset,
    text: (element.querySelector("summary").textContent + " " + (element.querySelector(".texts")?.textContent ?? "")).toLowerCase() }));
  const groups = all(".group");
  const filter = () => {
    const words = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const feature = one("feature").value;
    const level = one("level").value;
    const statuses = new Set(all("input[name=status]:checked", form).map((box) => box.value));
    let shown = 0;
    for (const rule of rules) {
      const fits = statuses.has(rule.status) && (!feature || rule.feature === feature)
        && (!level || rule.level === level) && words.every((word) => rule.text.includes(word));
      rule.element.hidden = !fits;
      shown += fits;
    }
    for (const group of groups) group.hidden = !group.querySelector("details.rule:not([hidden])");
    one("nothing").hidden = shown > 0;
    one("shown").textContent = shown + " of " + rules.length + " shown";
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  one("open-all").addEventListener("click", (event) => {
    const open = event.target.textContent === "Open all";
    for (const rule of rules) if (!rule.element.hidden) rule.element.open = open;
    event.target.textContent = open ? "Close all" : "Open all";
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-feature]");
    if (!button) return;
    form.reset();
    one("feature").value = button.dataset.feature;
    setTimeout(() => { filter(); one("rules").scrollIntoView(); one("rules").focus({ preventScroll: true }); });
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      one("search").focus();
    } else if (event.key === "Escape" && event.target === one("search")) {
      one("search").value = "";
      filter();
    }
  });
  // A link to a rule opens it.
  const follow = () => {
    let name;
    try { name = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const rule = rules.find(({ element }) => element.id === name);
    if (!rule) return;
    rule.element.open = true;
    rule.element.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  follow();
  filter();
})();

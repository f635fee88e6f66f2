// The page can be read without this script. It adds what a pointer or the arrow keys find out about a figure,
// the layer slider, the filters of the replies, and the switch between light and dark.
"use strict";

const STEP = 25; // replies that are added at a time, so that ten thousand stay quick
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const read = (script) => JSON.parse(script.textContent);
const replies = byId("replies-data") && read(byId("replies-data"));
const plots = [...document.querySelectorAll(".plot")].map((plot) => ({ plot, ...read(plot.querySelector("script")) }));

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function switchTheme() {
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => { button.textContent = isDark() ? "Light page" : "Dark page"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  system.addEventListener("change", show);
  button.hidden = false;
  show();
}

// What a point says: a text, or the numbers of a prompt and of a column of the replies.
function words(says) {
  if (typeof says === "string") return says;
  const [set, question, , labels, texts] = replies.prompts[says[0]];
  const column = says[1];
  return `${replies.sets[set]}: ${question}\n${replies.columns[column]}, ${replies.labels[labels[column]]}: ${texts[column]}`;
}

function pointAtValues() {
  for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
  const tip = document.body.appendChild(make("div", { id: "tip", hidden: true, ariaHidden: "true" }));
  const aloud = document.body.appendChild(make("div", { className: "unseen", ariaLive: "polite" }));
  for (const { plot, points, bars } of plots) {
    if (!points.length) continue;
    const ring = plot.appendChild(make("span", { className: "ring", hidden: true }));
    let at = -1; // which point is shown

    const show = (number) => {
      at = number;
      ring.hidden = tip.hidden = number < 0;
      if (number < 0) return;
      const [x, y, says] = points[number];
      ring.style.left = `${100 * x}%`;
      ring.style.top = `${100 * y}%`;
      tip.textContent = words(says);
      const spot = ring.getBoundingClientRect();
      const most = root.clientWidth - tip.offsetWidth - 8;
      const left = Math.max(8, Math.min(spot.left + spot.width / 2 - tip.offsetWidth / 2, most));
      const above = spot.top - tip.offsetHeight - 8;
      tip.style.left = `${left + scrollX}px`;
      tip.style.top = `${(above > 0 ? above : spot.bottom + 8) + scrollY}px`;
    };
    const nearest = (event) => {
      const box = plot.getBoundingClientRect();
      let found = -1;
      let least = 28; // pixels
      points.forEach(([x, y], number) => {
        const across = x * box.width - (event.clientX - box.left);
        const up = bars ? 0 : y * box.height - (event.clientY - box.top);
        const away = Math.hypot(across, up);
        if (away < least) [found, least] = [number, away];
      });
      return found;
    };
    const keys = {
      ArrowRight: () => Math.min(at + 1, points.length - 1),
      ArrowLeft: () => Math.max(at - 1, 0),
      Home: () => 0,
      End: () => points.length - 1,
      Escape: () => -1,
    };

    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", "Values of this figure: the left and right arrow keys go through them");
    plot.addEventListener("pointermove", (event) => show(nearest(event)));
    plot.addEventListener("pointerdown", (event) => show(nearest(event)));
    plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") show(-1); });
    plot.addEventListener("blur", () => show(-1));
    plot.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      show(keys[event.key]());
      if (at < 0) return;
      ring.scrollIntoView({ block: "nearest", inline: "nearest" });
      show(at);
      aloud.textContent = tip.textContent;
    });
  }
}

function moveThroughLayers() {
  const slider = byId("layer");
  if (!slider || slider.max === "0") return;
  const { chosen, tables } = read(byId("by-layer"));
  const lines = plots.filter(({ layers }) => layers).map(({ plot, layers }) => {
    const line = plot.appendChild(make("span", { className: "layer-line" }));
    line.style.top = `${100 * layers.top}%`;
    line.style.height = `${100 * (layers.bottom - layers.top)}%`;
    return { line, card: plot.parentElement, ...layers };
  });
  const show = () => {
    const layer = Number(slider.value);
    for (const [id, byLayer] of Object.entries(tables)) {
      const cells = document.querySelectorAll(`#${id} td`);
      byLayer[layer].flat().forEach((text, number) => { cells[number].textContent = text; });
    }
    byId("layer-shown").textContent = layer === chosen ? `${layer}, where the direction was chosen` : layer;
    slider.setAttribute("aria-valuetext", `layer ${byId("layer-shown").textContent}`);
    for (const { line, card, first, last } of lines) {
      line.style.left = `${100 * (first + (last - first) * (layer / slider.max))}%`;
      card.scrollLeft = line.offsetLeft - card.clientWidth / 2; // on a phone the figure is wider than its card
    }
  };
  slider.addEventListener("input", show);
  slider.closest(".slider").hidden = false;
  show();
}

// Options such as "Full fine-tuning: abstain (12)", a group for each column; values are JSON lists of numbers.
function addOptions(select, counts) {
  replies.columns.forEach((column, number) => {
    const options = Object.entries(counts[number]).map(([value, [text, count]]) =>
      make("option", { value }, `${text} (${count})`));
    if (options.length) select.append(make("optgroup", { label: column }, ...options));
  });
}

function countOptions() {
  const { labels: names, bases, columns, prompts } = replies;
  const byLabel = columns.map(() => ({}));
  const byChange = columns.map((_, column) => (bases[column] === column ? {} : { [`[${column}]`]: ["any change", 0] }));
  const add = (counts, key, text) => { (counts[JSON.stringify(key)] ??= [text, 0])[1] += 1; };
  for (const [, , , labels] of prompts) {
    labels.forEach((label, column) => {
      add(byLabel[column], [column, label], names[label]);
      const before = labels[bases[column]];
      if (before === label) return;
      add(byChange[column], [column], "any change");
      add(byChange[column], [column, before, label], `${names[before]}, then ${names[label]}`);
    });
  }
  addOptions(byId("of-label"), byLabel);
  addOptions(byId("of-change"), byChange);
}

function filterReplies() {
  const form = byId("filters");
  if (!form) return;
  const { prompts, columns, bases, sets, labels: names } = replies;
  const texts = prompts.map(([, question, answer, , said]) => [question, answer, ...said].join("\n").toLowerCase());
  let found = [];

  const line = (number) => {
    const [set, question, answer, labels, said] = prompts[number];
    const first = make("td", {}, make("small", { className: "set" }, sets[set]), question);
    if (answer) first.append(make("div", { className: "answer" }, `Right: ${answer}`));
    const cells = columns.map((column, at) => {
      const label = make("span", { className: `label ${names[labels[at]]}` }, names[labels[at]]);
      const cell = make("td", {}, label, said[at] || "(empty)");
      cell.dataset.arm = column;
      return cell;
    });
    return make("tr", {}, first, ...cells);
  };
  const more = () => {
    const shown = byId("found").children.length;
    byId("found").append(...found.slice(shown, shown + STEP).map(line));
    byId("more").hidden = shown + STEP >= found.length;
  };
  const filter = () => {
    const set = byId("of-set").value;
    const [labelled, label] = JSON.parse(byId("of-label").value || "[]");
    const [changed, before, after] = JSON.parse(byId("of-change").value || "[]");
    const text = byId("of-text").value.trim().toLowerCase();
    found = prompts.flatMap(([of, , , labels], number) => {
      const was = changed !== undefined && labels[bases[changed]];
      const fits = (set === "" || of === Number(set))
        && (labelled === undefined || labels[labelled] === label)
        && (changed === undefined || (was !== labels[changed]
          && (before === undefined || (was === before && labels[changed] === after))))
        && texts[number].includes(text);
      return fits ? [number] : [];
    });
    byId("count").textContent = `${found.length} of ${prompts.length} prompts`;
    byId("found").replaceChildren();
    more();
  };

  countOptions();
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter)); // once the fields are empty
  byId("more").addEventListener("click", more);
  form.hidden = false;
  root.classList.add("filtered");
  filter();
}

switchTheme();
pointAtValues();
moveThroughLayers();
filterReplies();

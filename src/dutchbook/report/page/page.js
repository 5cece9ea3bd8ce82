"use strict";
(() => {
  const $ = id => document.getElementById(id), root = document.documentElement;
  $("theme").addEventListener("click", () => {
    const set = root.dataset.theme, dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  $("print").addEventListener("click", () => window.print());
  const make = (name, cls, text) => {
    const e = document.createElement(name);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const usd = v => {
    const c = Math.round(Math.abs(v) / 1e4);
    return (v < 0 && c ? "−" : "") + "$" + Math.floor(c / 100).toLocaleString("en-US") + "." + String(c % 100).padStart(2, "0");
  };
  const when = ns => ns ? new Date(ns / 1e6).toISOString().slice(0, 19).replace("T", " ") : "";

  // A line under the pointer on the three charts over time.
  const curve = JSON.parse($("curve").textContent), out = $("readout");
  const charts = [...document.querySelectorAll(".chart")].filter(c => c.querySelector(".timed"));
  const cursors = charts.map(c => c.appendChild(make("div", "cursor")));
  const size = charts.length ? charts[0].querySelector("svg").viewBox.baseVal.width : 1, LEFT = 58 / size, RIGHT = 1 - 12 / size;
  charts.forEach(chart => {
    chart.addEventListener("pointermove", event => {
      const n = curve.at.length, box = chart.querySelector("svg").getBoundingClientRect();
      const share = ((event.clientX - box.left) / box.width - LEFT) / (RIGHT - LEFT);
      if (!n || share < 0 || share > 1) return;
      const at = curve.at[0] + share * (curve.at[n - 1] - curve.at[0]);
      let i = curve.at.findIndex(t => t > at);
      i = i < 0 ? n - 1 : Math.max(0, i - 1);
      out.textContent = when(curve.at[i]) + " UTC · total " + usd(curve.realised[i] + curve.locked[i] + curve.unrealised[i]) +
        " · realised " + usd(curve.realised[i]) + " · locked " + usd(curve.locked[i]) + " · unrealised " + usd(curve.unrealised[i]) +
        " · drawdown " + (curve.drawdown[i] * 100).toFixed(2) + " % · in use " + usd(curve.in_use[i]);
      cursors.forEach((line, k) => {
        const b = charts[k].querySelector("svg").getBoundingClientRect(), c = charts[k].getBoundingClientRect();
        line.style.left = b.left - c.left + charts[k].scrollLeft + b.width * (LEFT + share * (RIGHT - LEFT)) + "px";
        line.style.display = "block";
      });
    });
    chart.addEventListener("pointerleave", () => cursors.forEach(line => { line.style.display = "none"; }));
  });

  // The trades: only the rows in sight are in the document.
  const data = JSON.parse($("trades").textContent), wordy = new Set(data.wordy), HIGH = 28, HEAD = 30;
  const kind = name => /_at$/.test(name) ? "time" : ["capital", "expected", "gross", "fees", "slippage", "leg_risk", "net"].includes(name) ? "usd"
    : name === "qty" ? "size" : name === "edge" ? "share" : "text";
  const kinds = data.columns.map(kind);
  const value = (row, n) => wordy.has(n) ? data.words[row[n]] : row[n];
  const show = (row, n) => {
    const v = value(row, n);
    return kinds[n] === "time" ? when(v) : kinds[n] === "usd" ? usd(v) : kinds[n] === "size" ? String(+(v / 1e6).toFixed(2))
      : kinds[n] === "share" ? (v / 1e4).toFixed(2) + " %" : String(v);
  };
  const wide = { title: 250, id: 118, time: 166, venues: 140, strategy: 120, why: 150 };
  const columns = data.columns.map((name, n) => (wide[name] || wide[kinds[n]] || (kinds[n] === "text" ? 100 : 92)) + "px").join(" ");
  const view = $("grid"), head = make("div", "h"), body = make("div");
  head.style.gridTemplateColumns = columns;
  body.style.position = "relative";
  head.setAttribute("role", "row");
  view.append(head, body);
  let rows = data.rows, order = [-1, 1];
  const draw = () => {
    const first = Math.max(0, Math.floor((view.scrollTop - HEAD) / HIGH) - 4);
    const last = Math.min(rows.length, first + Math.ceil(view.clientHeight / HIGH) + 10);
    body.style.height = rows.length * HIGH + "px";
    body.style.width = head.offsetWidth + "px";
    const made = [];
    for (let i = first; i < last; i++) {
      const line = make("div", "r");
      line.style.gridTemplateColumns = columns;
      line.style.top = i * HIGH + "px";
      line.setAttribute("role", "row");
      data.columns.forEach((name, n) => {
        const text = show(rows[i], n), part = make("span", kinds[n] === "text" ? "w" : "", text);
        if (kinds[n] === "text") part.title = text;
        if (name === "net") part.className = rows[i][n] > 0 ? "up" : rows[i][n] < 0 ? "down" : "";
        line.append(part);
      });
      made.push(line);
    }
    body.replaceChildren(...made);
    $("found").textContent = rows.length.toLocaleString("en-US") + " of " + data.rows.length.toLocaleString("en-US") + " trades";
  };
  const pick = () => {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    rows = data.rows.filter(row => {
      if (!words.length) return true;
      const text = data.columns.map((_, n) => show(row, n)).join(" ").toLowerCase();
      return words.every(w => text.includes(w));
    });
    const [by, sign] = order;
    if (by >= 0) {
      rows = [...rows].sort((a, b) => {
        const x = value(a, by), y = value(b, by);
        return sign * (x < y ? -1 : x > y ? 1 : 0);
      });
    }
    draw();
  };
  data.columns.forEach((name, n) => {
    const button = make("button", kinds[n] === "text" ? "w" : "", name.replace(/_/g, " "));
    button.addEventListener("click", () => {
      order = [n, order[0] === n ? -order[1] : 1];
      [...head.children].forEach((b, k) => { b.textContent = data.columns[k].replace(/_/g, " ") + (k === n ? (order[1] > 0 ? " ↑" : " ↓") : ""); });
      pick();
    });
    head.append(button);
  });
  view.addEventListener("scroll", draw, { passive: true });
  $("filter").addEventListener("input", pick);
  addEventListener("resize", draw);

  // CSV of what the filter shows; money in dollars; no cell that a spreadsheet would obey.
  const cell = text => {
    if (text.startsWith("'") || (/^ *[=+\-@\t\r\n|%]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text))) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  };
  const plain = micros => {
    const a = Math.abs(micros), part = String(a % 1e6).padStart(6, "0").replace(/0+$/, "");
    return (micros < 0 ? "-" : "") + Math.floor(a / 1e6) + (part ? "." + part : "");
  };
  const raw = (row, n) => {
    const v = value(row, n);
    return kinds[n] === "time" ? when(v) : ["usd", "size", "share"].includes(kinds[n]) ? plain(v) : String(v);
  };
  const csv = list => [data.columns.join(","), ...list.map(row => data.columns.map((_, n) => cell(raw(row, n))).join(","))].join("\r\n") + "\r\n";
  $("csv").addEventListener("click", () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([csv(rows)], { type: "text/csv" }));
    link.download = "trades.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  window.dutchbook = { csv: () => csv(rows), count: () => rows.length };
  pick();
})();

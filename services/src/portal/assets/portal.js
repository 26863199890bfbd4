// What pages do beyond showing: today's curve by the minute, redrawn as new data comes in.
(() => {
  "use strict";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // The same patterns as in the server's charts.
  function tile(tone) {
    const side = 6, canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d");
    pen.fillStyle = css(`--t${tone}`);
    pen.fillRect(0, 0, side, side);
    pen.strokeStyle = css("--card");
    pen.lineWidth = 1.25;
    pen.beginPath();
    if (tone === 1) { pen.moveTo(-1, 7); pen.lineTo(7, -1); pen.moveTo(-1, 1); pen.lineTo(1, -1); pen.moveTo(5, 7); pen.lineTo(7, 5); }
    if (tone === 2 || tone === 3) { pen.moveTo(0, 3); pen.lineTo(6, 3); }
    if (tone === 3 || tone === 5) { pen.moveTo(3, 0); pen.lineTo(3, 6); }
    if (tone === 4) { pen.arc(3, 3, 1, 0, 7); }
    pen.stroke();
    return pen.createPattern(canvas, "repeat");
  }

  // mWh in a minute as kW.
  const kw = (mwh) => (mwh === null || mwh === undefined ? null : mwh * 60 / 1e6);

  function options(plot, data) {
    const soft = css("--soft"), grid = { stroke: css("--grid"), width: 1 };
    const labels = new Map(data.hours), narrow = plot.clientWidth < 520;
    const hours = data.hours.map((hour) => hour[0]).filter((_, at) => !narrow || at % 2 === 0);
    const axis = { stroke: soft, grid, ticks: grid, font: "12px system-ui" };
    return {
      width: plot.clientWidth, height: 220, legend: { show: false }, cursor: { y: false, drag: { x: true, y: false } },
      padding: [8, 4, 0, 0],
      scales: { x: { time: false, range: [0, data.length] }, y: { range: (_, __, high) => [0, Math.max(high, 0.05) * 1.1] } },
      axes: [
        { ...axis, splits: () => hours, values: (_, splits) => splits.map((at) => labels.get(at)) },
        { ...axis, size: 44, label: "kW", labelSize: 18, labelFont: "12px system-ui" },
      ],
      series: [
        {},
        ...data.series.map((one) => ({
          label: one.name, stroke: css(`--t${one.tone}`), fill: tile(one.tone), width: 1, spanGaps: false, points: { show: false },
        })),
        { label: data.words.before, stroke: css("--ghost"), width: 1.5, dash: [4, 4], points: { show: false } },
      ],
      hooks: { setCursor: [(chart) => tell(chart, plot, data)] },
    };
  }

  // What the chart shows where it is pointed at.
  function tell(chart, plot, data) {
    const readout = plot.parentElement.querySelector(".readout"), at = chart.cursor.idx;
    if (!readout) return;
    const shown = at === null || at === undefined ? [] : chart.series.map((one, index) => [one.label, chart.data[index][at]]).slice(1)
      .filter(([, power]) => power !== null && power !== undefined).map(([name, power]) => `${name} ${power.toFixed(2)} kW`);
    readout.textContent = shown.length ? [data.clock[at], ...shown].join(" · ") : "";
  }

  const columns = (data) => [
    Array.from({ length: data.length }, (_, at) => at),
    ...data.series.map((one) => {
      const column = new Array(data.length).fill(null);
      for (const [from, values] of one.runs) values.forEach((mwh, at) => { column[from + at] = kw(mwh); });
      return column;
    }),
    Array.from({ length: data.length }, (_, at) => kw(data.before[at])),
  ];

  async function draw(plot) {
    const answer = await fetch(plot.dataset.curve, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const data = await answer.json();
    plot.hidden = false;
    if (plot.uplot && plot.uplot.series.length === data.series.length + 2) {
      plot.uplot.setData(columns(data), false);
      plot.uplot.redraw();
      return;
    }
    if (plot.uplot) plot.uplot.destroy();
    plot.uplot = new uPlot(options(plot, data), columns(data), plot);
  }

  const plots = () => document.querySelectorAll("[data-curve]");
  const drawAll = () => { if (window.uPlot) plots().forEach((plot) => draw(plot).catch(() => {})); };

  addEventListener("resize", () => plots().forEach((plot) => plot.uplot && plot.uplot.setSize({ width: plot.clientWidth, height: 220 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    plots().forEach((plot) => { if (plot.uplot) { plot.uplot.destroy(); plot.uplot = null; } });
    drawAll();
  });
  document.addEventListener("htmx:sse:after:message", drawAll);
  // A file's text goes where it can also be pasted.
  document.querySelectorAll("[data-into]").forEach((input) => {
    input.hidden = false;
    input.addEventListener("change", async () => {
      const into = document.getElementById(input.dataset.into);
      if (input.files[0]) into.value = await input.files[0].text();
    });
  });
  document.querySelectorAll("[data-print]").forEach((button) => { button.hidden = false; button.addEventListener("click", () => print()); });
  drawAll();
})();

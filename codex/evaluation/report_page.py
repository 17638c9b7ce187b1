"""The page of a report: markup, style and the script of its plots; report.py fills in each `$name`."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>$title</title>
<style>
:root {
  color-scheme: light dark;
  --bg: #f6f7f9; --surface: #fff; --line: #dfe3e9; --text: #1a222d; --muted: #586373;
}
@media (prefers-color-scheme: dark) {
  :root { --bg: #0f1318; --surface: #161b22; --line: #2b333e; --text: #e6eaf0; --muted: #a3adbb; }
}
body { margin: 0 auto; padding: 24px; max-width: 1200px; background: var(--bg); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 40px; font-size: 1.2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; } dd { margin: 0; }
dt, .note, caption { color: var(--muted); }
.plots { display: grid; gap: 16px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
figure { margin: 0; min-height: 340px; padding: 8px;
  background: var(--surface); border: 1px solid var(--line); border-radius: 8px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; background: var(--surface); font-size: 13px; }
th, td { padding: 4px 10px; border: 1px solid var(--line); text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; min-width: 5ch; } td:first-child { white-space: nowrap; }
th { position: sticky; top: 0; background: var(--surface); }
</style>
<h1>$title</h1>
<p>Correct: <strong>$accuracy</strong></p>
<dl>$facts</dl>
<p class="note">$noise</p>
$note
<h2>Confidence</h2>
$confidence
<h2>Plots</h2>
<noscript><p>The plots need a script; their numbers stand in the tables.</p></noscript>
<div class="plots">$plots</div>
<h2>Signals</h2>
$signals
$groups
$texts
$mistakes
<script type="application/json" id="figures">$data</script>
<script>$plotly</script>
<script>
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
function draw() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  for (const box of document.querySelectorAll("[data-plot]")) {
    const { data, layout } = figures[box.dataset.plot];
    const font = { color: colour("--text"), family: "system-ui, sans-serif" };
    const themed = { ...layout, autosize: true, font };
    for (const axis of ["xaxis", "yaxis"])
      themed[axis] = { automargin: true, gridcolor: colour("--line"), zerolinecolor: colour("--line"),
        ...layout[axis] };
    Plotly.react(box, data, themed, { displaylogo: false, responsive: true });
  }
}
draw();
dark.addEventListener("change", draw);
</script>
</html>
"""

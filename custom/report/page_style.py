"""How `report.html` looks: on a wide screen, on a phone, on paper."""

STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --line: #dfe3e8; --wash: #f5f7f9; --blue: #0069e6; --yellow: #ffd600; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.55 system-ui, -apple-system, "Segoe UI",
  "Liberation Sans", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 32px 64px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 52px 0 8px; padding-top: 14px; border-top: 2px solid var(--ink); }
h3 { font-size: 1rem; margin: 22px 0 6px; }
p { margin: 0 0 12px; max-width: 76ch; }
.soft, figcaption, .note { color: var(--soft); }
.notice { display: inline-block; margin: 14px 0 0; padding: 6px 12px; border: 1px solid #b7791f; border-radius: 4px;
  background: #fff8e6; color: #744210; font-weight: 600; font-size: 0.9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(225px, 1fr)); gap: 16px; margin: 26px 0 4px; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px 14px; }
.card .name { font-weight: 600; font-size: 0.95rem; }
.card .value { font-size: 2.3rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.card .value small { font-size: 1rem; font-weight: 400; color: var(--soft); }
.card .interval { font-variant-numeric: tabular-nums; font-size: 0.9rem; }
.card .meaning { color: var(--soft); font-size: 0.85rem; line-height: 1.4; margin: 8px 0 0; }
.scale { position: relative; height: 8px; margin: 8px 0; border-radius: 4px; background: #e9edf1; }
.scale i { position: absolute; top: 0; bottom: 0; border-radius: 4px; background: #7fb2f2; }
.scale b { position: absolute; top: -3px; bottom: -3px; width: 2px; margin-left: -1px; background: var(--blue); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { vertical-align: bottom; font-weight: 600; border-bottom: 1.5px solid var(--ink); }
thead th small { display: block; font-weight: 400; color: var(--soft); }
tbody tr:nth-child(even) { background: var(--wash); }
.sum td { background: #fff; } tbody tr:not(.sum) + .sum td { border-top: 1.5px solid var(--ink); }
.overview { margin: 26px 0 0; }
.note { margin: 8px 0 0; font-size: 0.9rem; max-width: none; }
.left { text-align: left; white-space: normal; }
.bar { display: inline-block; width: 64px; height: 8px; margin-right: 8px; border-radius: 2px; background: #e9edf1; }
.bar i { display: block; height: 100%; border-radius: 2px; background: var(--blue); }
figure { margin: 18px 0 8px; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { font-size: 0.92rem; margin-top: 8px; max-width: 90ch; }
figcaption strong { color: var(--ink); }
.case { break-inside: avoid; margin: 22px 0 30px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
.whole img { max-width: 100%; }
.pair img { width: 100%; border: 1px solid var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 6px 22px; margin: 10px 0 0; padding: 0; list-style: none;
  font-size: 0.92rem; }
.legend i { display: inline-block; width: 26px; height: 14px; margin-right: 8px; vertical-align: -2px; }
.outline-found { border: 3px solid var(--blue); } .outline-label { border: 3px solid var(--yellow); }
.area-found { background: rgba(0, 105, 230, 0.45); } .area-label { background: rgba(255, 214, 0, 0.6); }
.verdicts { margin: 8px 0 0; padding: 0; list-style: none; }
.verdicts li { padding: 4px 0; }
.record { width: 100%; table-layout: fixed; }
.record th { width: 170px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
.record td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
code, pre { font: 0.85rem/1.5 ui-monospace, "Liberation Mono", Menlo, Consolas, monospace; }
pre { margin: 8px 0; padding: 12px; background: var(--wash); overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; margin: 14px 0 4px; }
@media (max-width: 640px) {
  main { padding: 22px 16px 40px; } h1 { font-size: 1.55rem; } .pair { grid-template-columns: 1fr; }
  .cards { grid-template-columns: 1fr 1fr; gap: 10px; } .card { padding: 12px; } .card .value { font-size: 1.7rem; }
  .record th { width: 110px; } th, td { padding: 5px 7px; } .bar { display: none; }
  figure.wide { overflow-x: auto; } figure.wide img { max-width: none; width: 760px; }
}
@media print {
  @page { margin: 14mm; } main { max-width: none; padding: 0; } body { font-size: 10.5pt; }
  h2 { break-after: avoid; } figure, .card { break-inside: avoid; } thead { display: table-header-group; }
  .cards { grid-template-columns: repeat(4, 1fr); gap: 8px; } .card { padding: 8px 10px; }
  .card .value { font-size: 1.5rem; } .scroll { overflow: visible; } .bar { display: none; }
  table { font-size: 8.5pt; } th, td { padding: 3px 6px; } tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""

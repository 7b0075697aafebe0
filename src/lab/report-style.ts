import { ink, paper } from "./figures/palette.js";

/** The style of a report: readable on a light and a dark screen, on a phone and on paper. */
export const reportStyle = `
:root{color-scheme:light dark;--ink:${ink.light};--paper:${paper.light};--soft:#5b6470;--line:#d9dee4;--card:#f5f7f9;
--good:#0a6b4b;--bad:#a33a12;--wait:#7a5200;--link:#0059a3}
@media (prefers-color-scheme:dark){:root{--ink:${ink.dark};--paper:${paper.dark};--soft:#a4adb8;--line:#343b44;--card:#1d2228;
--good:#5fd3a6;--bad:#ff9a6b;--wait:#f0c060;--link:#7fbfff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 Inter,system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.25;margin:.2rem 0 .6rem;text-wrap:balance}
h2{font-size:1.15rem;margin:2.6rem 0 .7rem}
p{margin:.5rem 0;max-width:46rem}
.eyebrow{color:var(--soft);font-size:.9rem;margin:0}
.claim{font-size:1.1rem}
.soft,figcaption,caption{color:var(--soft)}
.verdict{border:1px solid var(--line);border-left:6px solid var(--tone);background:var(--card);border-radius:8px;
padding:1rem 1.2rem;margin:1.6rem 0}
.verdict h2{margin:0 0 .3rem;font-size:1.3rem;color:var(--tone)}
.good{--tone:var(--good)}.bad{--tone:var(--bad)}.wait{--tone:var(--wait)}
.criterion{white-space:pre-line}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;padding:.9rem 0 .4rem;font-size:.9rem}
.conditions th:nth-child(1){width:30%}.conditions th:nth-child(2){width:5rem}.conditions th:nth-child(4){width:9rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .9rem .4rem 0;border-bottom:1px solid var(--line)}
thead th{border-bottom:2px solid var(--line);font-weight:600}
tbody th{font-weight:500}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.interval{display:block;color:var(--soft);font-size:.85em}
.mark{color:var(--tone);font-weight:600;white-space:nowrap}
figure{margin:1.2rem 0 2rem}
figure h3{font-size:1rem;margin:0 0 .3rem}
figure svg{display:block;max-width:100%;height:auto}
figcaption{font-size:.92rem;max-width:46rem;margin-top:.3rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem;font-size:.95rem;margin:.5rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;overflow-x:auto;font-size:.85rem}
details summary{cursor:pointer}
li{margin:.3rem 0;max-width:46rem}
@media (max-width:36rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{main{padding:0}figure,.verdict,tr{break-inside:avoid}}
`;

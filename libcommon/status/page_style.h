// The style sheet of the page. tests/unit/status/test_page.cpp computes the contrast of what is text in it from the
// variables below, in both schemes.
#pragma once

#include <string_view>

namespace lectio::status {

inline constexpr std::string_view k_page_style = R"css(
:root{color-scheme:light dark;--bg:#f6f7f8;--card:#ffffff;--ink:#1b2126;--soft:#5a646d;--line:#e2e5e8;--none:#b9c0c6;
--good:#1a7a45;--warn:#8a5800;--bad:#b8261a;--dunno:#6446a8;--bar:#3fa66d;--bar-warn:#d99a1c;--bar-bad:#cf3a2c;--bar-dunno:#8e74cf;
--hero:#ffffff;--hero-good:#17693c;--hero-warn:#855400;--hero-bad:#b3261a;--hero-dunno:#5b3fa0}
@media (prefers-color-scheme:dark){:root{--bg:#101316;--card:#191d21;--ink:#e7eaec;--soft:#a0aab2;--line:#2a3036;--none:#4a535b;
--good:#5ecb92;--warn:#eab040;--bad:#ff7c70;--dunno:#b8a1f2;--bar:#36905d;--bar-warn:#d39a2a;--bar-bad:#e5564a;--bar-dunno:#9a82d8;
--hero:#ffffff;--hero-good:#14532f;--hero-warn:#6d4600;--hero-bad:#96201a;--hero-dunno:#4b3586}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
-webkit-text-size-adjust:100%;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,footer{max-width:48rem;margin:0 auto;padding:1rem}
h1,h2,h3,p,ul,ol,dl,dd{margin:0;padding:0}
ul,ol{list-style:none}
h2{font-size:.8125rem;font-weight:600;letter-spacing:.04em;text-transform:uppercase;color:var(--soft);margin:2.25rem 0 .625rem;
display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
h2 span{font-weight:400;letter-spacing:0;text-transform:none}
h3{font-size:1rem;font-weight:600}
.soft{color:var(--soft)}
.small{font-size:.875rem}
.away{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.sign{width:1.25em;height:1.25em;flex:none;vertical-align:-.25em;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.dunno{color:var(--dunno)}.none{color:var(--soft)}
.hero{border-radius:1rem;padding:1.25rem 1.25rem 1.375rem;color:var(--hero)}
.hero.good{background:var(--hero-good)}.hero.warn{background:var(--hero-warn)}.hero.bad{background:var(--hero-bad)}
.hero.dunno{background:var(--hero-dunno)}
.hero .good,.hero .warn,.hero .bad,.hero .dunno{color:inherit}
.hero h1{font-size:1.75rem;line-height:1.2;font-weight:650;letter-spacing:-.01em;display:flex;gap:.625rem;align-items:flex-start}
.hero h1 .sign{width:2rem;height:2rem;margin-top:.0625em}
.hero p{margin-top:.375rem}
.hero .host{margin:0 0 .75rem;font-size:.875rem;display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
.hero .now{margin-top:.875rem;padding-top:.75rem;border-top:1px solid #ffffff55}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.card+.card{margin-top:.625rem}
.pad{padding:.875rem 1rem}
.card.edge{border-left:.25rem solid currentColor}
.card.edge>*{color:var(--ink)}
.card.edge>h3{display:flex;gap:.5rem;align-items:baseline}
.card.edge>.soft{color:var(--soft)}
.card.edge h3 .sign{align-self:center}
.card.edge.bad h3 .sign{color:var(--bad)}.card.edge.warn h3 .sign{color:var(--warn)}.card.edge.dunno h3 .sign{color:var(--dunno)}
.do{margin-top:.375rem;padding-left:1.25rem;text-indent:-1.25rem}
.rows>li{border-top:1px solid var(--line)}
.rows>li:first-child{border-top:0}
.row{padding:.75rem 1rem;display:grid;grid-template-columns:auto 1fr auto;gap:.125rem .625rem;align-items:baseline}
.row>.sign{align-self:center}
.row .name{font-weight:600}
.row .share{font-size:.875rem;color:var(--soft);white-space:nowrap}
.row .says{grid-column:2/-1;font-size:.875rem;color:var(--soft)}
.row .days{grid-column:1/-1;margin-top:.375rem}
.flat{grid-column:2/-1}
summary{cursor:pointer;list-style:none;border-radius:.75rem}
summary::-webkit-details-marker{display:none}
summary:hover .name{text-decoration:underline;text-underline-offset:.2em;text-decoration-color:var(--none)}
summary:focus-visible{outline:2px solid var(--soft);outline-offset:-2px}
.more{padding:0 1rem 1rem;font-size:.875rem}
.more p+p,.more p+ul,.more ul+p{margin-top:.375rem}
.days{display:block;overflow:hidden}
.days svg{display:block;width:100%;height:1.5rem}
.tall .days svg{height:2.25rem}
.ends{display:flex;justify-content:space-between;gap:1rem;font-size:.75rem;color:var(--soft);margin-top:.25rem}
.ends .near{display:none}
.g{fill:var(--bar)}.w{fill:var(--bar-warn)}.b{fill:var(--bar-bad)}.u{fill:var(--bar-dunno)}.n{fill:var(--none)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin-top:.5rem;font-size:.75rem;color:var(--soft)}
.legend svg{width:.375rem;height:1rem;vertical-align:-.1875rem;margin-right:.375rem}
.times{margin-top:.75rem}
.times svg{display:block;width:100%;height:4rem;overflow:visible}
.times path{fill:none;vector-effect:non-scaling-stroke;stroke-width:1.5;stroke-linejoin:round}
.times .med{stroke:var(--good);stroke-width:2}
.times .p95{stroke:var(--soft);stroke-dasharray:3 3}
.times .axis{stroke:var(--line)}
.times .fell{stroke:var(--bad);stroke-width:2}
.head{display:flex;justify-content:space-between;gap:1rem;align-items:baseline;margin-bottom:.5rem}
.head strong{white-space:nowrap}
.log>li{padding:.75rem 1rem;border-top:1px solid var(--line);display:grid;grid-template-columns:auto 1fr;gap:.125rem .625rem}
.log>li:first-child{border-top:0}
.log p{grid-column:2}
.stays{padding:.875rem 1rem;color:var(--soft)}
footer{color:var(--soft);font-size:.8125rem;padding-bottom:3rem}
.aged{position:sticky;bottom:0;margin:0 auto;max-width:48rem;padding:.625rem 1rem;background:var(--card);border-top:1px solid var(--line);
color:var(--ink);font-size:.875rem;visibility:hidden;animation:aged 0s 180s forwards}
@keyframes aged{to{visibility:visible}}
@media (max-width:34rem){.far{display:none}.ends .near{display:inline}.days svg{width:200%;margin-left:-100%}
.legend{display:none}}
@media (min-width:48rem){main{padding-top:2rem}.hero{padding:1.75rem}.hero h1{font-size:2.125rem}}
@media print{body{background:#fff;color:#000}.card,.hero{break-inside:avoid}.hero{border:2px solid currentColor;background:none!important;color:#000}
.aged{display:none}svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";

} // namespace lectio::status

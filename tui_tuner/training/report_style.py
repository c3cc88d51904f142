"""How the page of a run looks: a calm page, light or dark as the reader likes it."""

STYLE = """\
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2128; --quiet: #667080; --rule: #d9dee5; --accent: #1f6fb2; --mark: #b5791c;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171c; --ink: #d8dde4; --quiet: #8b95a3; --rule: #2c333d; --accent: #6cb6e8; --mark: #e2b866; }
}
body {
  max-width: 52rem; margin: 2rem auto; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif;
}
h1 { margin-bottom: 0; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
h3 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
.lead { margin-top: .25rem; color: var(--quiet); }
.note { padding-left: .75rem; border-left: 3px solid var(--accent); white-space: pre-wrap; }
figure { margin: 1.5rem 0 0; }
.small { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); column-gap: 2rem; }
figcaption { font-weight: 600; }
figcaption span { margin-left: 1rem; font-weight: 400; color: var(--quiet); }
figcaption span::before { content: ""; display: inline-block; width: .7rem; height: .2rem; margin: 0 .35rem .2rem 0; }
figcaption .key-valid::before { width: .5rem; height: .5rem; margin-bottom: .05rem; border-radius: 50%; }
.key-train::before { background: var(--accent); }
.key-valid::before { background: var(--mark); }
svg { width: 100%; height: auto; overflow: visible; }
@media (max-width: 36rem) { body > figure .tick { font-size: 17px; } }
.axis { stroke: var(--quiet); }
.grid { stroke: var(--rule); stroke-opacity: 1; }
.tick { fill: var(--quiet); }
.line-raw { stroke: var(--quiet); opacity: .45; }
.line-train { stroke: var(--accent); stroke-width: 1.5; }
.mark-valid { fill: var(--mark); }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .2rem .75rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { font-weight: 400; color: var(--quiet); white-space: nowrap; width: 1%; }
td { overflow-wrap: anywhere; white-space: pre-wrap; }
.settings .changed th, .settings .changed td { font-weight: 600; color: var(--ink); }
details { margin-top: 2rem; }
summary { cursor: pointer; font-weight: 600; }
"""

/** The page's only style sheet; the policy of the page allows it by its hash. */
export const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2563eb; --get: #15803d; --post: #b45309; }
@media (prefers-color-scheme: dark) { :root { --accent: #7aa2ff; --get: #4ade80; --post: #fbbf24; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { margin: 0; } h1 small { font-size: 1rem; font-weight: normal; opacity: .7; }
h2 { margin: 2.5rem 0 .5rem; text-transform: capitalize; }
h3 { margin: 1.2rem 0 .3rem; font-size: 1rem; }
p { margin: .4rem 0; } a { color: var(--accent); }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; }
details > div { padding: 0 1rem 1rem; }
summary { cursor: pointer; padding: .6rem 1rem; display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
summary::before { content: '\\25b8'; opacity: .6; } details[open] > summary::before { content: '\\25be'; }
summary:hover { background: var(--soft); }
details details { border-width: 1px 0 0; border-radius: 0; margin: 0; }
details details summary { padding: .4rem 0; flex-wrap: nowrap; } details details > div { padding: 0 0 .6rem; }
.method { font: bold .8rem ui-monospace, monospace; min-width: 2.6rem; color: var(--get); }
.method.post { color: var(--post); }
.path { font: 600 .95rem ui-monospace, monospace; } .note { opacity: .75; font-size: .9rem; }
code { font: .85em ui-monospace, monospace; background: var(--soft); border-radius: .2rem; padding: 0 .2em; }
pre { background: var(--soft); border-radius: .4rem; padding: .7rem; overflow-x: auto; margin: .4rem 0; overflow-wrap: normal; }
pre code { background: none; padding: 0; }
ul { margin: .3rem 0; padding-left: 1.2rem; }
`;

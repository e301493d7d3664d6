/** The page's only style sheet; the policy of the page allows it by its hash. Text keeps a contrast of 4.5 : 1. */
export const style = `
:root { color-scheme: light dark; --first: 42, 125, 225; --second: 217, 130, 43; --button: #1d63c4;
  --edge: #8a8a8a; --muted: #575757; --link: #1a56b0; --problem: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --edge: #767676; --muted: #ababab; --link: #8ab4ff; --problem: #ff9a90; } }
* { box-sizing: border-box; }
[hidden] { display: none; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1rem; margin: 1.4rem 0 .2rem; } p { margin: .4rem 0; }
.muted { color: var(--muted); font-size: .9rem; } a { color: var(--link); }
footer { margin-top: 2rem; }
textarea, input[type=password] { display: block; width: 100%; font: inherit; padding: .6rem; border: 1px solid var(--edge); border-radius: .4rem; }
select { font: inherit; max-width: 100%; padding: .4rem; border: 1px solid var(--edge); border-radius: .4rem; }
#choices { margin: .7rem 0; }
textarea { min-height: 9rem; resize: vertical; }
.row { display: flex; flex-wrap: wrap; gap: .8rem; align-items: center; margin: .7rem 0; }
button { font: inherit; min-width: 8rem; padding: .5rem 1.2rem; border: 0; border-radius: .4rem; background: var(--button); color: #fff; cursor: pointer; }
button[aria-disabled=true] { opacity: .6; cursor: progress; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
#keyed { margin-top: .7rem; }
#type:not(:empty) { font-size: 2rem; font-weight: 600; margin: 1rem 0 0; }
#problem:not(:empty) { color: var(--problem); margin: .8rem 0; }
.axis { margin: .9rem 0; }
.axis h2 { margin: 0; }
.ends { display: flex; justify-content: space-between; gap: 1rem; font-variant-numeric: tabular-nums; }
.ends :last-child { text-align: right; }
.won { font-weight: 600; }
.bar { position: relative; height: .8rem; margin: .2rem 0; border-radius: .4rem; background: rgba(var(--second), .9); overflow: hidden; }
.bar > div { position: absolute; top: 0; height: 100%; }
.share { background: rgb(var(--first)); }
.line { width: 3px; margin-left: -1.5px; background: CanvasText; outline: 1px solid Canvas; }
.words { line-height: 2; white-space: pre-wrap; max-height: 24rem; overflow-y: auto; }
.mark { border-radius: .2rem; padding: .1rem .15rem; }
.for-second { text-decoration: underline dotted; text-underline-offset: .25em; }
.chip { padding: .1rem .5rem; } .chip.for-first { background: rgba(var(--first), .5); } .chip.for-second { background: rgba(var(--second), .5); }
`;

export const style = `
:root { color-scheme: light dark; --edge: #8884; --first: #2a7de1; --second: #d9822b; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.4rem; margin: 0; }
.muted { opacity: .7; font-size: .9rem; }
textarea, input[type=password] { width: 100%; font: inherit; padding: .6rem; border: 1px solid var(--edge); border-radius: .4rem; }
textarea { min-height: 9rem; resize: vertical; }
.row { display: flex; flex-wrap: wrap; gap: .8rem; align-items: center; margin: .7rem 0; }
button { font: inherit; padding: .5rem 1.2rem; border: 0; border-radius: .4rem; background: var(--first); color: #fff; cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
#type { font-size: 2rem; font-weight: 600; margin: 1rem 0 .4rem; }
.axis { margin: .7rem 0; }
.ends { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.won { font-weight: 600; }
meter { width: 100%; height: 1rem; }
.words { line-height: 2; overflow-wrap: anywhere; }
.words span { border-radius: .2rem; padding: .1rem .15rem; }
[role=alert] { color: #c0392b; margin: .8rem 0; }
`;

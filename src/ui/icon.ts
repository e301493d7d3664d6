/** A bar in two colours, in the page itself: without one browsers ask for a /favicon.ico that is not there. */
const bar =
  "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath fill='%231d63c4' d='M0 2h5v4H0z'/%3E%3Cpath fill='%23d9822b' d='M5 2h3v4H5z'/%3E%3C/svg%3E";

/** The element for a page's head; the page's policy must allow `img-src data:`. */
export const icon = `<link rel="icon" href="data:image/svg+xml,${bar}">`;

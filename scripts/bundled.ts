// The packages that dist/ carries inside, so that nobody installs them. docs/decisions/0001 says why; THIRD-PARTY.md names their licenses.

/** In both builds: its extensions are global to a process, and so a copy of our own keeps those of others away from us. */
export const BUNDLED = ['msgpackr', 'negotiator', 'structured-headers']
/** In the CommonJS build only: it is published as ESM, which early releases of Node 20 cannot require(). */
export const BUNDLED_IN_CJS = [...BUNDLED, 'p-limit']
/** As texts of the devtools page, which its server sends to browsers. */
export const SENT_TO_BROWSERS = ['uplot']

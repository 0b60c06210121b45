// What the tests use of jsdom. Its own types bring the browser's globals into every file of the project, where they would hide mistakes.
declare module 'jsdom' {
  import type { Context } from 'node:vm'

  export class JSDOM {
    constructor(html: string, options: { readonly runScripts: 'outside-only' })
    readonly window: { readonly AbortController: typeof AbortController }
    getInternalVMContext(): Context
  }
}

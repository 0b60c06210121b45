// The part of jsdom that the tests use. Its own types add the globals of a browser to every file of the project, which would hide mistakes.
declare module 'jsdom' {
  import type { Context } from 'node:vm'

  export class JSDOM {
    constructor(html: string, options: { readonly runScripts: 'outside-only' })
    readonly window: { readonly AbortController: typeof AbortController }
    getInternalVMContext(): Context
  }
}

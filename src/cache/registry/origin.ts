// Where the application registers a name. It distinguishes a module that is evaluated again, as dev servers do, from a second owner of the name.

/** The place of a registration. */
export interface Origin {
  /** The module that was being evaluated, such as `file:///app/users.js?t=17`; `undefined` inside a function that was called later. */
  readonly module: string | undefined
}

/** Frames that are searched for the module. */
const MAX_FRAMES = 100

/**
 * The origin of the current call. While a module is evaluated, its top-level code is on the stack; in a handler, a method or a timer it is
 * not. Only V8 says which frames are top-level code of a module: in other engines no module is found.
 */
export function presentOrigin(): Origin {
  const frame = presentFrames().find(isOfModule)
  return { module: frame && nameOf(frame) }
}

/** Code that was evaluated from a string has no file, but it usually names its source (`//# sourceURL=`). */
function nameOf(frame: Frame): string {
  return frame.getFileName() || frame.getScriptNameOrSourceURL?.() || frame.getEvalOrigin() || 'a string'
}

/**
 * Whether `later` can be the module of `earlier` evaluated again, or a copy of it in another bundle. A native ES module is evaluated once
 * per URL, so the same URL means the same evaluation, which registers twice, for example in a loop.
 */
export function isEvaluatedAgain(earlier: Origin, later: Origin): boolean {
  if (earlier.module === undefined || later.module === undefined) return false
  return earlier.module !== later.module || !later.module.startsWith('file:')
}

/** Whether both are versions of one file. Loaders add a query to each version; bundlers mark their layers, as in `(rsc)/./users.ts`. */
export function isSameFile(a: Origin, b: Origin): boolean {
  return fileOf(a) === fileOf(b)
}

function fileOf({ module = '' }: Origin): string {
  return module.replace(/[?#].*$/, '').replace(/\/\([a-z-]+\)\//, '/')
}

/** A frame of V8, with the methods that its types lack. */
type Frame = NodeJS.CallSite & {
  getScriptNameOrSourceURL?(): string | null
  getEnclosingLineNumber?(): number | null
  getEnclosingColumnNumber?(): number | null
}

/**
 * Whether the frame is top-level code of a module: a function without a name that begins where its file begins, code evaluated from a
 * string, or the function that a bundler makes of a module and names by path or number.
 */
function isOfModule(frame: Frame): boolean {
  if (frame.getFileName()?.startsWith('node:') === true) return false
  const name = frame.getFunctionName() ?? ''
  if (/[/\\]|^\d+$/.test(name)) return true
  if (frame.getEnclosingLineNumber?.() !== 1) return false
  return name === 'eval' || (name === '' && frame.getEnclosingColumnNumber?.() === 1)
}

function presentFrames(): readonly Frame[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  const holder: { stack?: unknown } = {}
  try {
    Error.stackTraceLimit = MAX_FRAMES
    Error.prepareStackTrace = (_error, frames) => frames
    Error.captureStackTrace(holder, presentOrigin)
    return Array.isArray(holder.stack) ? (holder.stack as Frame[]) : []
  } catch {
    return [] // Error is frozen: no origin is known, so no second claim of a name is accepted
  } finally {
    restore(prepareStackTrace, stackTraceLimit)
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  try {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  } catch {
    // It could not be changed before either.
  }
}

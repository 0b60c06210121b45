// Where the application registers a name: tells a module that is evaluated again, as dev servers do, from a second owner of the name.

/** The place of a registration. */
export interface Origin {
  /** The module that was being evaluated, such as `file:///app/users.js?t=17`; `undefined` inside a function that was called later. */
  readonly module: string | undefined
}

/** Modules lie below what they register by this many calls at most. */
const MAX_FRAMES = 100

/**
 * The origin of the present call. While a module is evaluated, its own code is on the stack; in a handler, a method or a timer it is
 * not. V8 alone says which frames are a module's: elsewhere no module is found.
 */
export function presentOrigin(): Origin {
  const frame = presentFrames().find(isOfModule)
  return { module: frame && nameOf(frame) }
}

/** What was evaluated as a string has no file, but mostly says where it comes from (`//# sourceURL=`). */
function nameOf(frame: Frame): string {
  return frame.getFileName() || frame.getScriptNameOrSourceURL?.() || frame.getEvalOrigin() || 'a string'
}

/**
 * Whether `later` can be the module of `earlier` evaluated once more, or a copy of it in another bundle. A native ES module is
 * evaluated once per URL, so the same URL is the same evaluation: the second registration comes from a loop there.
 */
export function isEvaluatedAgain(earlier: Origin, later: Origin): boolean {
  if (earlier.module === undefined || later.module === undefined) return false
  return earlier.module !== later.module || !later.module.startsWith('file:')
}

/** Whether both are versions of one file. Loaders add a query for each; bundlers mark their layers, as in `(rsc)/./users.ts`. */
export function isSameFile(a: Origin, b: Origin): boolean {
  return fileOf(a) === fileOf(b)
}

function fileOf({ module = '' }: Origin): string {
  return module.replace(/[?#].*$/, '').replace(/\/\([a-z-]+\)\//, '/')
}

/** What V8 tells of a frame; it has more than its types say. */
type Frame = NodeJS.CallSite & {
  getScriptNameOrSourceURL?(): string | null
  getEnclosingLineNumber?(): number | null
  getEnclosingColumnNumber?(): number | null
}

/**
 * A module's own code: a function without a name that begins where its file begins, what is evaluated as a string, or the function
 * that a bundler made of a module, which it names by path or number.
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
    return [] // where Error is frozen nothing can be told, and names are owned strictly
  } finally {
    restore(prepareStackTrace, stackTraceLimit)
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  try {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  } catch {
    // It could not be changed before, either.
  }
}

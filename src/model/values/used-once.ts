// Values that can be read only once, such as streams. They cannot be cached, since a second reader would get nothing.
import { types } from 'node:util'
import { invalid } from '../option-rules.js'

/** Names `value` if it can be read only once, such as `a stream (Readable)`; `undefined` for everything else. */
export function whatCanBeUsedOnce(value: object): string | undefined {
  const word = wordFor(value)
  if (word === undefined) return undefined
  const type: unknown = value.constructor
  const name = typeof type === 'function' ? type.name : ''
  return name === '' || name === 'Object' || word.toLowerCase().endsWith(name.toLowerCase())
    ? word
    : `${word} (${name})`
}

function wordFor(value: object): string | undefined {
  if (types.isPromise(value) || has(value, 'then')) return 'a promise'
  if (types.isGeneratorObject(value)) return 'a generator'
  // Request and Response have bodies that are streams.
  if ('bodyUsed' in value) return 'a body that is read once'
  if (has(value, 'pipe') || has(value, 'getReader') || has(value, 'getWriter') || isStreamPair(value)) return 'a stream'
  if (has(value, Symbol.asyncIterator)) return 'an async iterator'
  return has(value, 'next') && has(value, Symbol.iterator) ? 'an iterator' : undefined
}

function has(value: object, method: PropertyKey): boolean {
  return method in value && typeof Reflect.get(value, method) === 'function'
}

/** Whether `value` is a TransformStream or a similar pair of streams. */
function isStreamPair(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object TransformStream]'
}

/** Throws `INVALID_OPTION` for a generator function, async or not: its result can be iterated only once, by one caller. */
export function refuseGenerator(fn: unknown, name: string): void {
  if (!types.isGeneratorFunction(fn)) return
  throw invalid(
    name,
    'a function that returns a value; a generator can be read only once, so a second caller would get nothing. ' +
      'Collect what it yields into an array',
    fn,
  )
}

// Protects options from a polluted `Object.prototype`. A property that a parser or an old library has added to every object must neither
// set a ttl nor count as an unknown option.

/** Returns the options without properties from `Object.prototype`: the same object, as long as nothing was added there. */
export function ownOptions<T>(options: T): T {
  if (!isPolluted() || typeof options !== 'object' || options === null) return options
  const own: object = Object.create(null)
  for (let level: object | null = options; level !== null && level !== Object.prototype; level = prototypeOf(level)) {
    for (const name of Reflect.ownKeys(level)) if (!Object.hasOwn(own, name)) take(own, name, level, options)
  }
  return own as T
}

/** Whether something enumerable was added to `Object.prototype`. Built-in properties are not enumerable. */
function isPolluted(): boolean {
  for (const _ in Object.prototype) return true
  return false
}

function prototypeOf(level: object): object | null {
  return Object.getPrototypeOf(level) as object | null
}

function take(own: object, name: PropertyKey, level: object, options: object): void {
  const { enumerable = false } = Object.getOwnPropertyDescriptor(level, name) ?? {}
  Object.defineProperty(own, name, { value: Reflect.get(level, name, options), enumerable, writable: true })
}

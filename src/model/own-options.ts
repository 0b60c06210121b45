// Options are what their object says, not what something added to every object there is: a property on `Object.prototype`, by a
// polluted parser or a library of old, must set no ttl and be no unknown option.

/** The same options without what they have from `Object.prototype`. They themselves, as long as nothing was added to that. */
export function ownOptions<T>(options: T): T {
  if (!isPolluted() || typeof options !== 'object' || options === null) return options
  const own: object = Object.create(null)
  for (let level: object | null = options; level !== null && level !== Object.prototype; level = prototypeOf(level)) {
    for (const name of Reflect.ownKeys(level)) if (!Object.hasOwn(own, name)) take(own, name, level, options)
  }
  return own as T
}

/** Properties that are not enumerable, such as Node's own, are no options that anybody added by accident. */
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

// Makes a decorator that works in both standards. TC39 (stage 3) calls it with the method and a context; TypeScript's
// `experimentalDecorators` (NestJS) with the prototype, the name and a property descriptor.
import { CacheError, show } from '../model/errors.js'
import { classOf } from './instance.js'

/** A method of any signature. */
export type Method = (this: never, ...args: never[]) => unknown

/** What is known of a method when it is decorated. */
export interface Place {
  readonly method: Method
  /** `undefined` for a method that is private or named by a symbol: it cannot name entries. */
  readonly name: string | undefined
  readonly isStatic: boolean
  /** The class that declares the method; `undefined` with TC39 decorators, which run before the class exists. */
  readonly declaredBy: object | undefined
  /** TC39 only: calls `learn` with the class of each new instance, or with the class itself for a static method. */
  onClass(learn: (type: object) => void): void
}

/**
 * A decorator for methods that return a promise, in classes of either standard. It is one signature, so that the compiler infers `A`, `V` and
 * `This` from the method below it, and from them the types of the functions among the options.
 */
export type CacheDecorator<A extends readonly unknown[] = never[], V = unknown, This = unknown> = (
  ...place:
    | [method: (this: This, ...args: A) => Promise<V>, context: ClassMethodDecoratorContext<This>]
    | [target: This & object, name: string | symbol, descriptor: { value?: (...args: A) => Promise<V> }]
) => void

/** Makes a decorator of either standard that replaces a method by what `replace` returns. `name` is the decorator's name, for messages. */
export function decorate<D>(name: string, replace: (place: Place) => Method): D {
  return ((first: unknown, second: unknown, third: unknown) => {
    return isContext(second) ? standard(name, replace, first, second) : legacy(name, replace, first, second, third)
  }) as D
}

function isContext(value: unknown): value is ClassMethodDecoratorContext {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function standard(
  name: string,
  replace: (place: Place) => Method,
  method: unknown,
  context: ClassMethodDecoratorContext,
): Method {
  if (context.kind !== 'method' || typeof method !== 'function') throw misplaced(name, context.name)
  const place: Place = {
    method: method as Method,
    name: context.private || typeof context.name === 'symbol' ? undefined : context.name,
    isStatic: context.static,
    declaredBy: undefined,
    onClass: (learn) => {
      context.addInitializer(function (this: unknown) {
        const type = classOf(this)
        if (type !== undefined) learn(type)
      })
    },
  }
  return withLookOf(place.method, replace(place))
}

function legacy(
  name: string,
  replace: (place: Place) => Method,
  target: unknown,
  key: unknown,
  descriptor: unknown,
): unknown {
  const property = descriptor as PropertyDescriptor | undefined
  const method: unknown = property?.value
  if (property === undefined || typeof method !== 'function') throw misplaced(name, key)
  const isStatic = typeof target === 'function'
  const place: Place = {
    method: method as Method,
    name: typeof key === 'symbol' ? undefined : String(key),
    isStatic,
    declaredBy: isStatic ? target : (target as object).constructor,
    onClass: () => undefined,
  }
  // Both changed in place and returned: helpers that combine decorators (NestJS' `applyDecorators`) ignore the returned value.
  property.value = withLookOf(place.method, replace(place))
  return property
}

/** Gives `replacement` the name, the length, the properties and the metadata of `method`. */
function withLookOf(method: Method, replacement: Method): Method {
  Object.defineProperty(replacement, 'name', { value: method.name, configurable: true })
  Object.defineProperty(replacement, 'length', { value: method.length, configurable: true })
  for (const key of Reflect.ownKeys(method)) {
    if (!Object.hasOwn(replacement, key))
      Object.defineProperty(replacement, key, Object.getOwnPropertyDescriptor(method, key) as PropertyDescriptor)
  }
  copyMetadata(method, replacement)
  return replacement
}

/** Copies the metadata that reflect-metadata has of a function, if the application uses it: NestJS keeps routes and guards there. */
function copyMetadata(from: object, to: object): void {
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as Partial<Metadata>
  if (getOwnMetadataKeys === undefined || getOwnMetadata === undefined || defineMetadata === undefined) return
  for (const key of getOwnMetadataKeys(from)) defineMetadata(key, getOwnMetadata(key, from), to)
}

interface Metadata {
  getOwnMetadataKeys(target: object): unknown[]
  getOwnMetadata(key: unknown, target: object): unknown
  defineMetadata(key: unknown, value: unknown, target: object): void
}

function misplaced(name: string, what: unknown): CacheError {
  return new CacheError('INVALID_OPTION', `@${name} expects a method of a class; got ${show(what)}, which is not one`)
}

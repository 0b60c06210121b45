// Remembers the key lists of objects, so that an object of a known shape costs a pointer comparison per key.
import { beginsWithDigit } from './decode-budget.js'
import { isWellFormed } from './well-formed.js'

/** Objects with more keys are dictionaries: their key lists do not repeat. */
export const MAX_SHAPE_KEYS = 64

const MAX_SHAPES = 4096
/** Of all names that the tree keeps, in characters. */
const MAX_CHARACTERS = 262_144
/** Longer names are looked at each time: they do not repeat, and one of them might fill the tree. */
const LONGEST_KEPT_NAME = 256

/** Assigning to it would change a prototype, so no reader takes it in a map. */
const FORBIDDEN_KEY = '__proto__'

/** What must not stand as a key in a msgpack map or record. */
export function isAwkwardKey(key: string): boolean {
  return key === FORBIDDEN_KEY || !isWellFormed(key)
}

/** A list of keys, as a node in the tree of all lists seen. The key that followed last time is found without a lookup. */
export class Shape {
  nextKey: string | undefined = undefined
  next: Shape | undefined = undefined
  others: Map<string, Shape> | undefined = undefined
  /** The payload in which it was last seen. */
  seenIn = 0
  /** Its record number in that payload; 0 when it has none. */
  record = 0

  constructor(
    private readonly before: Shape | undefined,
    private readonly lastKey: string,
    readonly isAwkward: boolean,
    /** Whether one of the keys may be an index. */
    readonly hasIndex: boolean,
  ) {}

  get isEmpty(): boolean {
    return this.before === undefined
  }

  /** The keys in order. */
  keys(): string[] {
    const keys: string[] = []
    for (let shape: Shape = this; shape.before !== undefined; shape = shape.before) keys.push(shape.lastKey)
    return keys.reverse()
  }
}

export class ShapeTree {
  root = emptyShape()
  private count = 0
  private characters = 0

  /** The shape of one key more, when it is not the one that followed last time. */
  extend(shape: Shape, key: string): Shape {
    const known = shape.others?.get(key)
    const longer = known ?? this.grow(shape, key)
    if (key.length > LONGEST_KEPT_NAME) return longer
    shape.nextKey = key
    shape.next = longer
    return longer
  }

  private grow(shape: Shape, key: string): Shape {
    const longer = new Shape(shape, key, shape.isAwkward || isAwkwardKey(key), shape.hasIndex || beginsWithDigit(key))
    if (key.length > LONGEST_KEPT_NAME) return longer
    this.characters += key.length
    // Shapes of the old tree that an encoding still holds go on working; they are only not found again.
    if (++this.count > MAX_SHAPES || this.characters > MAX_CHARACTERS) {
      this.root = emptyShape()
      this.count = 0
      this.characters = 0
    }
    shape.others ??= new Map()
    shape.others.set(key, longer)
    return longer
  }
}

const FIRST_RECORD = 0x40
const LAST_RECORD = 0x7f

/** Which shapes of a payload are written as records: the keys once, then a number. msgpackr's extension, 64 of them at most. */
export class RecordNumbers {
  private payload = 0
  private next = FIRST_RECORD

  begin(): void {
    this.payload++
    this.next = FIRST_RECORD
  }

  /**
   * The number of a record that was defined, `DEFINE` when it has just got its number and is to be defined, 0 when the object
   * is no record. Rows are records from the first on, other objects from when their shape comes a second time.
   */
  of(shape: Shape, isRow: boolean): number {
    if (shape.seenIn === this.payload) {
      if (shape.record !== 0) return shape.record
    } else {
      shape.seenIn = this.payload
      shape.record = 0
      if (!isRow) return 0
    }
    if (this.next > LAST_RECORD || shape.isEmpty) return 0
    shape.record = this.next++
    return DEFINE
  }
}

export const DEFINE = -1

function emptyShape(): Shape {
  return new Shape(undefined, '', false, false)
}

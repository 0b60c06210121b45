// msgpackr as this codec uses it: for plain data only, and from its build that generates no code, so that no bytes reach a compiler.
// The extensions of msgpackr are global. So the package carries a copy of this build of its own (tsup.config.ts): those that an application
// registers never reach us, and nothing of ours reaches the application.
import { types } from 'node:util'
// @ts-expect-error this build has no declarations; they are those of the main one
import * as noEval from 'msgpackr/index-no-eval'
import { ownOptions } from '../../model/own-options.js'

const { addExtension, C1, Packr, RESERVE_START_SPACE, Unpackr } = noEval as typeof import('msgpackr')

/** A byte that msgpack never uses: stands for a special value, and first of all marks the rich form. */
export const HOLE_TOKEN = 0xc1
/** Stands in a tree where a special value belongs. It is written as `HOLE_TOKEN`, and msgpackr reads that as this. */
export const HOLE: object = C1
/** Comes before a binary, and the four bytes of its length. */
export const BINARY_TOKEN = 0xc6
/** An extension must have a type. This one writes none. */
const UNWRITTEN_TYPE = 1

interface Room {
  readonly target: Uint8Array
  readonly targetView: DataView
  readonly position: number
}

// What somebody put on Object.prototype must not reach msgpackr, which looks for options in its packers and for methods in its extensions. So
// packers inherit from nothing, and holes and binaries have an extension of ours before those of msgpackr, which writes them as those do.
Object.setPrototypeOf(Unpackr.prototype, null)
addExtension({
  Class: { [Symbol.hasInstance]: (value: unknown) => value === HOLE || types.isUint8Array(value) } as never,
  type: UNWRITTEN_TYPE,
  pack: writeExactly as never,
  ...{ write: undefined, unpack: undefined },
} as object)

function writeExactly(value: Uint8Array, roomFor: (bytes: number) => Room): void {
  if (value === HOLE) {
    const { target, position } = roomFor(1)
    target[position] = HOLE_TOKEN
    return
  }
  const { target, targetView, position } = roomFor(value.length + 5)
  target[position] = BINARY_TOKEN
  targetView.setUint32(position + 1, value.length)
  target.set(value, position + 5)
}

/** A larger buffer is given back after use. */
const KEPT_BYTES = 262_144
const FIRST_BYTES = 8_192
/** In a value as heavy as this, texts stand side by side: cutting them out is faster than decoding each. */
const BUNDLED_WEIGHT = 1_024
/** Of a payload for which making a view costs more than copying it. */
const SMALL_BYTES = 2_048
/** From so many objects on, keys are expected to repeat. A record that is used once only costs bytes and time. */
const MANY_OBJECTS = 8

/** What is packed, and what the packer should know of it. */
export interface PlainForm {
  /** Plain data without anything that msgpackr would change, and holes. */
  readonly tree: unknown
  /** Whether it has holes, so that the tree is a list that begins with the tree itself. */
  readonly isRich: boolean
  readonly objects: number
  /** About its size in bytes. */
  readonly weight: number
  /** The objects with so many keys that they are no records. */
  readonly dictionaries: ReadonlySet<object>
}

const NONE: ReadonlySet<object> = new Set()

/** Packs and unpacks plain data. Keeps nothing of one payload for the next. */
export class Msgpackr {
  private dictionaries = NONE
  private hasRecords = false
  private readonly packr = new Packr(
    ownOptions({
      useRecords: (object: object) => this.hasRecords && !this.dictionaries.has(object),
      variableMapSize: true,
      useToJSON: false,
      bundleStrings: false,
    }),
  )
  private readonly small = Buffer.allocUnsafeSlow(SMALL_BYTES)
  private readonly unpackr = new Unpackr(ownOptions({ useRecords: false, mapsAsObjects: true }))

  pack({ tree, isRich, objects, dictionaries, weight }: PlainForm): Buffer {
    this.hasRecords = objects >= MANY_OBJECTS
    this.dictionaries = dictionaries
    // A bundle has no holes: there the token of a hole stands for a text of it.
    Object.assign(this.packr, { bundleStrings: !isRich && weight >= BUNDLED_WEIGHT })
    const bytes = this.packr.pack(tree, isRich ? RESERVE_START_SPACE + 1 : 0)
    if (isRich) bytes[0] = HOLE_TOKEN
    this.forget(bytes.length)
    return bytes
  }

  /**
   * Only for bytes that `checkPayload` accepted. Small ones are read where a view exists already, from its beginning: msgpackr is faster
   * where the value ends before byte 180. Binaries of the rich form are parts of what was read: copy them before the next call.
   */
  unpack(bytes: Buffer, isRich: boolean): unknown {
    const packed = isRich ? bytes.subarray(1) : bytes
    if (packed.length > SMALL_BYTES) return this.unpackr.unpack(packed.subarray(0))
    this.small.set(packed)
    return this.unpackr.unpack(this.small, packed.length)
  }

  /** Keys that strangers choose must not add up, nor may a large value keep its memory. */
  private forget(bytes: number): void {
    this.dictionaries = NONE
    if (this.hasRecords) this.packr.clearSharedData()
    if (bytes > KEPT_BYTES) this.packr.useBuffer(Buffer.allocUnsafeSlow(FIRST_BYTES))
  }
}

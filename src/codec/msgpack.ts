// The default codec: msgpack, with records for repeated shapes, and a rich form for what msgpack has no words for.

import { asBuffer } from '../model/as-buffer.js'
import { CacheError } from '../model/errors.js'
import { DEFAULT_MAX_VALUE_BYTES } from '../model/limits.js'
import type { Codec } from '../model/ports.js'
import { assemble } from './assembly.js'
import { DecodeBudget, OverBudget } from './decode-budget.js'
import { MsgpackReader } from './msgpack-reader.js'
import { HOLE_TOKEN, MsgpackWriter } from './msgpack-writer.js'
import { REFUSED } from './special-parts.js'
import { overBudget, unsupported } from './unsupported.js'

export const MSGPACK_ID = 1

export interface MsgpackCodec extends Codec {
  /** What the value that was decoded last weighs in memory. */
  weightOf(rawBytes: number): number
}

/**
 * A codec that keeps what structured data can hold: all primitives but symbols, plain objects and arrays, Date, Map, Set, BigInt,
 * Buffer and every view, ArrayBuffer, RegExp, URL and the built-in errors, in any nesting, cycles included. `decode(encode(v))`
 * deeply and strictly equals `v`; getters are read, frozen objects come back unfrozen, and objects that several places share
 * come back shared only if they form cycles or the value is large. It refuses everything else with `UNSUPPORTED_VALUE`, and so it does
 * what would take more than its budget when decoded: that follows from `maxValueBytes`, of the largest payload.
 */
export function createMsgpackCodec(maxValueBytes: number = DEFAULT_MAX_VALUE_BYTES): MsgpackCodec {
  const writer = new MsgpackWriter(new DecodeBudget(maxValueBytes))
  const budget = new DecodeBudget(maxValueBytes)
  const reader = new MsgpackReader(budget)
  return {
    id: MSGPACK_ID,
    name: 'msgpack',
    encode(value) {
      try {
        // A getter of the value's may encode something itself.
        return (writer.isBusy ? new MsgpackWriter(new DecodeBudget(maxValueBytes)) : writer).write(value)
      } catch (error) {
        if (error instanceof CacheError) throw error
        if (error instanceof OverBudget) throw overBudget(value, error)
        throw unsupported(value, error === REFUSED ? undefined : error)
      }
    },
    decode(bytes) {
      const buffer = asBuffer(bytes)
      budget.begin()
      return buffer[0] === HOLE_TOKEN
        ? assemble(reader.read(buffer, 1, 'holes'), budget)
        : reader.read(buffer, 0, 'none')
    },
    weightOf: (rawBytes) => budget.weightOf(rawBytes),
  }
}

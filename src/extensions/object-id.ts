// MongoDB's ObjectId.
import type { Extension } from '../model/values/extension.js'

/** An id of MongoDB, as far as it is used here. */
export interface ObjectIdLike {
  toHexString(): string
}

/**
 * Keeps ids of MongoDB: `extend: [objectId(ObjectId)]`, with `ObjectId` of mongodb, bson or mongoose (`Types.ObjectId`). Ids of other
 * copies of bson are kept, too, and come back as instances of the class given.
 */
export function objectId<I extends ObjectIdLike>(ObjectId: new (hex: string) => I, name = 'objectId'): Extension<I> {
  return {
    name,
    is: (value) => value instanceof ObjectId || (value as { _bsontype?: unknown })._bsontype === 'ObjectId',
    encode: (value) => value.toHexString(),
    decode: (hex) => new ObjectId(hex as string),
  }
}

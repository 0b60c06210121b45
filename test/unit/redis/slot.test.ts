import { describe, expect, test } from 'vitest'
import { indexesBySlot, slotOf } from '../../../src/redis/connection/slot.js'

describe('the slot of a key', () => {
  test.each([
    // https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ and CLUSTER KEYSLOT of a server.
    ['123456789', 12739],
    ['', 0],
    ['foo', 12182],
    ['{user1000}.following', 3443],
    ['user1000', 3443],
    ['foo{}{bar}', 8363],
    ['foo{{bar}}zap', 4015],
    ['foo{bar}{zap}', 5061],
    ['bar', 5061],
    ['ключ', 10303],
  ])('of %s is %i', (key, slot) => {
    expect(slotOf(key)).toBe(slot)
  })

  test('is computed with the prefix of the client, and keys are grouped by it', () => {
    expect(indexesBySlot(['{a}1', '{b}1', '{a}2'], '')).toEqual([[0, 2], [1]])
    expect(indexesBySlot(['{a}1', '{b}1', '{a}2'], '{app}:')).toEqual([[0, 1, 2]])
  })
})

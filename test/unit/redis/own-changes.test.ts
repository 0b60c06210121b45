import { describe, expect, test } from 'vitest'
import { isOwn, OwnChanges } from '../../../src/redis/store/own-changes.js'

const stamp = (letter: string) => Buffer.alloc(16, letter)
const ofKey = (own: OwnChanges, key = 'k') => own.of(key) ?? { marks: [], removed: false }

describe('a change that a process made itself', () => {
  test('is recognized by the stamp of the value under the key, whatever follows it', () => {
    const own = new OwnChanges('shop')
    own.wrote('k', Buffer.concat([stamp('a'), Buffer.from('a long body that is not looked at')]))
    expect(isOwn(ofKey(own), Buffer.concat([stamp('a'), Buffer.from('a long body tha')]))).toBe(true)
    expect(isOwn(ofKey(own), stamp('a'))).toBe(true)
    expect(isOwn(ofKey(own), stamp('b'))).toBe(false)
    expect(isOwn(ofKey(own), Buffer.from('short'))).toBe(false)
  })

  test('is recognized by a token, and by the soft half of a softly expired token', () => {
    const own = new OwnChanges('shop')
    own.wrote('k', 'a'.repeat(16) + 'b'.repeat(16))
    own.wrote('k', 'c'.repeat(16))
    for (const soft of ['b', 'c']) expect(isOwn(ofKey(own), Buffer.from('a'.repeat(16) + soft.repeat(16)))).toBe(true)
    expect(isOwn(ofKey(own), Buffer.from('a'.repeat(16) + 'd'.repeat(16)))).toBe(false)
  })

  test('is recognized in an absent key only right after a removal, since others may remove a later value', () => {
    const own = new OwnChanges('shop')
    expect(isOwn(ofKey(own), Buffer.alloc(0))).toBe(false)
    own.removed('k')
    expect(isOwn(ofKey(own), Buffer.alloc(0))).toBe(true)
    own.wrote('k', stamp('a'))
    expect(isOwn(ofKey(own), Buffer.alloc(0))).toBe(false)
  })

  test('is recognized for the last few writes, whose messages may still be on their way', () => {
    const own = new OwnChanges('shop')
    for (const letter of 'abcde') own.wrote('k', stamp(letter))
    expect([...'abcde'].map((letter) => isOwn(ofKey(own), stamp(letter)))).toEqual([false, true, true, true, true])
  })

  test('is forgotten when there are too many, the oldest first', () => {
    const own = new OwnChanges('shop')
    for (let i = 0; i <= 10_000; i++) own.removed(`k${i}`)
    expect(own.of('k0')).toBeUndefined()
    expect(own.of('k1')).toBeDefined()
    expect(own.of('k10000')).toBeDefined()
  })
})

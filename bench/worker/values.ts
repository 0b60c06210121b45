// Values as services cache them: plain objects of a given size in JSON.

export interface BenchValue {
  readonly key: string
  readonly [field: string]: unknown
}

const SMALL_BYTES = 200

/** About `bytes` long in JSON. */
export function makeValue(key: string, bytes = SMALL_BYTES): BenchValue {
  const user = {
    key,
    id: Number(key.slice(key.indexOf(':') + 1)) || 0,
    name: 'Ada Lovelace',
    email: 'ada.lovelace@example.com',
    active: true,
    roles: ['reader', 'author'],
    score: 0.875,
    updatedAt: '2024-05-01T12:00:00.000Z',
  }
  const left = bytes - JSON.stringify(user).length
  if (left < 500) return { ...user, bio: 'x'.repeat(Math.max(0, left - 9)) }
  const order = {
    sku: 'A-1093-77',
    title: 'A cup of good coffee',
    quantity: 2,
    price: 3.5,
    currency: 'EUR',
    note: null,
  }
  return {
    ...user,
    orders: Array.from({ length: Math.round(left / (JSON.stringify(order).length + 1)) }, () => ({ ...order })),
  }
}

export function keyOf(index: number): string {
  return `user:${index}`
}

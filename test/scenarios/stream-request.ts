// What a test asks of a process that shares streams (programs/stream-member.ts).

export interface StreamRequest {
  readonly id: number
  readonly key: string
  readonly consumers: number
  readonly parts: number
  readonly pauseMs: number
}

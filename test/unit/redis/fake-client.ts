// A client without a server. It records what is sent, and the test gives the replies.
import { EventEmitter } from 'node:events'
import type { Argument, RedisNode } from '../../../src/redis/client/client.js'

export interface SentCommand {
  readonly command: string
  readonly args: Argument[]
  resolve(reply: unknown): void
  reject(error: Error): void
}

const INFO = 'run_id:one\r\nrole:master\r\nmaster_replid:x\r\n'

export class FakeClient extends EventEmitter implements RedisNode {
  status = 'ready'
  readonly isCluster = false
  readonly options = { host: '127.0.0.1', port: 1, keyPrefix: '' }
  readonly sent: SentCommand[] = []
  readonly duplicates: FakeClient[] = []
  readonly stream = new FakeStream()
  info = INFO
  disconnects = 0
  /** Commands with an automatic reply. The others wait for the test. */
  readonly answers = new Map<string, (args: Argument[]) => unknown>([
    ['info', () => Buffer.from(this.info)],
    ['time', () => [Buffer.from('1000'), Buffer.from('0')]],
    ['script', () => Buffer.from('sha')],
  ])

  callBuffer(command: string, args: Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const sent = { command, args, resolve, reject }
      this.sent.push(sent)
      const answer = this.answers.get(command)
      if (answer !== undefined) resolve(answer(args))
    })
  }

  createBuiltinCommand(command: string) {
    return { buffer: (args: Argument[]) => this.callBuffer(command, args) }
  }

  connect(): Promise<void> {
    this.become('ready')
    return Promise.resolve()
  }

  disconnect(): void {
    this.disconnects++
    this.become('end')
  }

  duplicate(): FakeClient {
    const duplicate = new FakeClient()
    duplicate.status = 'wait'
    this.duplicates.push(duplicate)
    return duplicate
  }

  /** Changes the status and emits the event, as clients do. */
  become(status: 'ready' | 'close' | 'end' | 'reconnecting'): void {
    this.status = status
    this.emit(status)
  }

  names(): string[] {
    return this.sent.map(({ command }) => command)
  }
}

export class FakeStream {
  writable = true
  readonly log: string[] = []
  cork(): void {
    this.log.push('cork')
  }
  uncork(): void {
    this.log.push('uncork')
  }
  destroy(): void {
    this.log.push('destroy')
  }
}

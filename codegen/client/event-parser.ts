export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
}

/** Cuts text, however it is divided, into the events of the WHATWG event-stream format. Ids and retry are not used. */
export class EventParser {
  #rest = '';
  #type = '';
  #data: string[] = [];

  push(text: string): readonly ServerSentEvent[] {
    this.#rest += text;
    const events: ServerSentEvent[] = [];
    // A carriage return at the very end may be the first half of a line end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') this.#dispatch(events);
      else this.#take(line);
    }
    return events;
  }

  #dispatch(events: ServerSentEvent[]): void {
    // By the format an event without data is dropped; `complete` of our protocol has none in some servers.
    if (this.#data.length > 0 || this.#type === 'complete') {
      events.push({ type: this.#type || 'message', data: this.#data.join('\n') });
    }
    this.#type = '';
    this.#data = [];
  }

  #take(line: string): void {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
  }
}

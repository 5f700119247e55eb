import { BackendError } from '../contract/error.ts';

/** A call that goes on while nobody waits on the line. */
export interface Ticket {
  readonly activationId: string;
  /** When it was sent, epoch milliseconds of ours. */
  readonly since: number;
}

export function formTicket({ activationId, since }: Ticket): string {
  return `${activationId}.${since}`;
}

export function parseTicket(text: string): Ticket {
  const match = /^([0-9a-f]{32})\.(\d{1,15})$/.exec(text);
  if (match === null) {
    throw new BackendError('Rejected', 'result', `${JSON.stringify(text)} is no ticket of ours.`);
  }
  return { activationId: match[1] ?? '', since: Number(match[2]) };
}

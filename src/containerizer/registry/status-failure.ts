import { BerthError } from '../../errors/berth-error.js';
import { readWhole } from './body.js';
import { answerBytes, type TransferLimits } from './limits.js';
import { retryAfter } from './retry.js';
import type { Answer } from './transport.js';
import { Transient, WrongContent } from './trouble.js';

const longestMessage = 200;

/** What an answer that is no success comes to: `Transient`, or an error for a person. `what`: what was asked for. */
export async function statusFailure(answer: Answer, what: string, limits: TransferLimits): Promise<Error> {
  const { status, headers, url } = answer;
  const said = await messageOf(answer, limits);
  const after = retryAfter(headers['retry-after']);
  if (status === 429) {
    return new Transient(`${url.host} is asked too often (429)${said}`, { after, limited: true });
  }
  if (status >= 500 || status === 408) {
    return new Transient(`${url.host} answers ${status}${said}`, { after });
  }
  if (status === 401 || status === 403) {
    return new BerthError('REGISTRY_DENIED', {
      what,
      why: `${url.host} refuses access (${status})${said}`,
      mend: `Is the name right? If it is private, log in with an account that may: berth login ${url.host}.`,
    });
  }
  if (status === 404) {
    return new BerthError('IMAGE_NOT_FOUND', {
      what,
      why: `${url.host} does not have it${said}`,
      mend: 'Check the name and the tag.',
    });
  }
  return new BerthError('REGISTRY_FAILED', { what, why: `${url.host} answers ${status}${said}` });
}

/** What the registry has to say about it (distribution-spec, "Error Codes"), cut short; empty when that is nothing. */
async function messageOf(answer: Answer, limits: TransferLimits): Promise<string> {
  try {
    const text = (await readWhole(answer, answerBytes, limits)).toString();
    const { errors } = JSON.parse(text) as { errors?: { code?: unknown; message?: unknown }[] };
    const [first] = Array.isArray(errors) ? errors : [];
    const message = typeof first?.message === 'string' && first.message !== '' ? first.message : first?.code;
    const said = typeof message === 'string' ? message.slice(0, longestMessage).replace(/[.\s]+$/, '') : '';
    return said === '' ? '' : `: ${said}`;
  } catch (error) {
    // Whatever it is, it is no explanation; the status is what is left to tell.
    if (error instanceof SyntaxError || error instanceof TypeError) return '';
    if (error instanceof Transient || error instanceof WrongContent) return '';
    throw error;
  }
}

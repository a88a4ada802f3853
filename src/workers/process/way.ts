import type {Duplex} from 'node:stream';
import type {Clock} from '../../clock.ts';
import type {Hop} from '../../hop/hop.ts';
import {Channel} from '../hop/channel.ts';
import type {LoadReport} from '../output/report.ts';

export interface HopOptions {
  /** The way to a sub-runtime that is called over HTTP, with so many connections at a time. */
  upstream(port: number, connections: number): Hop;
  readonly maxReplyBytes: number;
  /** Calls at a time, unless the sub-runtime reports another number and the user has set none. */
  readonly concurrency: number;
  readonly isConcurrencySet: boolean;
  /** Calls at a time for which this process can open descriptors, as each over HTTP has one. */
  readonly mostConnections: number;
}

export interface HopHouse {
  readonly port: number;
  /** Our end of the descriptor for calls. */
  readonly calls: Duplex | undefined;
  readonly clock: Clock;
  onBroken(why: string): void;
  onClosed(): void;
  onSilent(): void;
  onAlive(): void;
}

/** Opens the way to a sub-runtime: the channel when it reported that it is on it, else HTTP. */
export function openHop(report: LoadReport, options: HopOptions, {port, calls, clock, ...events}: HopHouse): Hop {
  if (!report.isOnChannel || !calls) return options.upstream(port, concurrencyOf(report, options));
  const {maxReplyBytes} = options;
  const concurrency = concurrencyOf(report, options);
  return new Channel(
    {
      socket: calls,
      maxReplyBytes,
      concurrency,
      answersPing: report.answersPing ?? true,
      takesBodies: report.takesBodies === true,
      ...events,
    },
    clock,
  );
}

/** Calls that it takes at a time. */
export function concurrencyOf({concurrency: reported, isOnChannel}: LoadReport, options: HopOptions): number {
  const {concurrency, isConcurrencySet, mostConnections} = options;
  if (isConcurrencySet || reported === undefined) return concurrency;
  return isOnChannel ? reported : Math.min(reported, mostConnections);
}

import type { ComponentChildren } from 'preact';
import type { Problem } from '../state/problem.js';
import { Alert } from './icons.js';

interface ProblemCardProps {
  problem: Problem;
  /** Buttons. */
  children?: ComponentChildren;
}

/** What happened, and what to do about it. */
export function ProblemCard({ problem, children }: ProblemCardProps) {
  const { title, advice, detail, requestId } = problem;
  return (
    <div class="problem" role="alert" data-code={problem.code}>
      <Alert />
      <div class="problem-text">
        <p class="problem-title">{title}</p>
        <p>{advice}</p>
        {detail && <p class="problem-detail">{detail}</p>}
        {requestId && (
          <p class="fine">
            In the gateway’s log: <code>{requestId}</code>
          </p>
        )}
        {children && <div class="problem-actions">{children}</div>}
      </div>
    </div>
  );
}

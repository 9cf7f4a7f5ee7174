import { token } from '../state/gateway.js';
import { Shell } from './Shell.js';
import { SignIn } from './SignIn.js';

export function App() {
  return token.value === undefined ? <SignIn /> : <Shell />;
}

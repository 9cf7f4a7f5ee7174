import { render } from 'preact';
import './styles/base.css';
import './styles/layout.css';
import './styles/thread.css';
import './styles/markdown.css';
import './styles/control.css';
import './state/theme.js';
import { start } from './state/activity.js';
import { App } from './ui/App.js';

const page = document.getElementById('page');
if (page) {
  start();
  render(<App />, page);
}

import { render } from 'preact';
import { App } from './app.tsx';
import { keepMoments } from './parts/moment.tsx';
import './styles/theme.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/task.css';
import './styles/home.css';
import './styles/lists.css';
import './styles/form.css';

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
keepMoments();

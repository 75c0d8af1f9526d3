import { defineConfig } from 'errand';

export default defineConfig({ tasks: ['./orders', './mail', './reports'], shipped: [] });

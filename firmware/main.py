from microserver.app import App

app = App()
app.run()
